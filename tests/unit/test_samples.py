"""Made-up customers look real, and can reach nobody."""

from itertools import islice

from kelviq_server.core.samples import Sample, samples
from kelviq_server.customers.schemas import CustomerCreateRequest
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.wire import read_body


def some(start: int, count: int = 3000) -> list[Sample]:
    return list(islice(samples(start), count))


def test_the_same_start_makes_the_same_customers() -> None:
    assert some(1) == some(1)
    assert some(1)[:100] != some(2)[:100]


def test_the_api_would_take_each_of_them_as_it_is() -> None:
    for sample in some(1):
        body = {
            "customerId": "cus_1",
            "name": sample.name,
            "email": sample.email,
            "metadata": sample.metadata,
            "billingAddress": sample.address,
        }
        new = read_body(CustomerCreateRequest, body).new_customer()
        assert (new.name, new.email) == (sample.name, sample.email)
        assert (new.metadata, new.billing_address) == (dump(sample.metadata), dump(sample.address))


def test_mails_go_to_domains_set_aside_for_examples() -> None:
    for sample in some(1):
        domain = sample.email.rpartition("@")[2]
        assert domain.split(".")[-2:] in (["example", "com"], ["example", "net"], ["example", "org"])


def test_they_live_in_twelve_countries_and_rarely_share_a_name() -> None:
    made = some(1)
    assert len({sample.address["country"] for sample in made}) == 12
    assert len({sample.name for sample in made}) > 1000
    assert len({sample.email for sample in made}) > 2500
    assert all({"line1", "postalCode", "city", "state"} <= set(sample.address) for sample in made)
    assert not any(sign in sample.address["postalCode"] for sample in made for sign in "#?")
