-- Through which gateway an environment is paid; none: nothing paid can be put on sale there. The sandbox has its own.
ALTER TABLE environments ADD COLUMN gateway text;
UPDATE environments SET gateway = 'sandbox' WHERE name = 'sandbox';
