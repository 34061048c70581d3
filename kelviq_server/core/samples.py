"""Made-up customers that look real: people and companies of twelve countries, at addresses nobody can write to."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Sample:
    """One made-up customer. The address' and the metadata's keys are those of the wire."""

    name: str
    email: str
    address: dict[str, str]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Country:
    """What addresses look like there: in a pattern, # is a digit and ? a capital letter."""

    code: str
    line1: str
    cities: list[tuple[str, str, str]]
    streets: list[str]
    first: list[str]
    last: list[str]


def _country(code: str, line1: str, cities: str, streets: str, first: str, last: str) -> _Country:
    places = [(city, state, postal) for city, state, postal in (place.split("/") for place in cities.split("; "))]
    return _Country(code, line1, places, streets.split("; "), first.split(), last.split())


_COUNTRIES = [
    _country(
        "US", "{number} {street}",
        "New York/NY/100##; Austin/TX/787##; Seattle/WA/981##; Chicago/IL/606##; Denver/CO/802##; Boston/MA/021##",
        "Main Street; Oak Avenue; Maple Drive; Washington Boulevard; Lakeview Road; 5th Avenue; Elm Street",
        "James Mary Robert Patricia Michael Jennifer David Linda Emily Joshua Grace Tyler",
        "Smith Johnson Williams Brown Davis Miller Wilson Anderson Taylor Thomas Moore Jackson",
    ),
    _country(
        "CA", "{number} {street}",
        "Toronto/ON/M5? #?#; Vancouver/BC/V6? #?#; Montréal/QC/H3? #?#; Calgary/AB/T2? #?#; Ottawa/ON/K1? #?#",
        "King Street West; Queen Street; Granville Street; Rue Sherbrooke; Bank Street; Yonge Street",
        "Liam Olivia Noah Charlotte Étienne Chloé William Amélie Benjamin Sophie",
        "Tremblay Martin Roy Wilson Gagnon MacDonald Campbell Côté Singh Lavoie",
    ),
    _country(
        "GB", "{number} {street}",
        "London/England/EC1? #??; Manchester/England/M1 #??; Edinburgh/Scotland/EH1 #??; Cardiff/Wales/CF10 #??;"
        " Bristol/England/BS1 #??",
        "High Street; Station Road; Church Lane; Victoria Road; Mill Lane; King's Road; Queensway",
        "Oliver Amelia George Isla Harry Ava Alfie Freya Archie Poppy",
        "Jones Evans Roberts Walker Wright Thompson Hughes Clarke O'Connor Fraser",
    ),
    _country(
        "DE", "{street} {number}",
        "Berlin/Berlin/101##; München/Bayern/803##; Hamburg/Hamburg/200##; Köln/Nordrhein-Westfalen/506##;"
        " Leipzig/Sachsen/041##; Frankfurt am Main/Hessen/603##",
        "Hauptstraße; Bahnhofstraße; Gartenweg; Schillerstraße; Lindenallee; Am Markt; Goethestraße",
        "Anna Lukas Marie Jonas Sophia Jürgen Lena Max Käthe Felix Björn",
        "Müller Schmidt Schneider Fischer Weber Wagner Becker Schäfer Koch Weiß Köhler",
    ),
    _country(
        "FR", "{number} {street}",
        "Paris/Île-de-France/750##; Lyon/Auvergne-Rhône-Alpes/690##; Bordeaux/Nouvelle-Aquitaine/330##;"
        " Lille/Hauts-de-France/590##; Nantes/Pays de la Loire/440##",
        "rue de la République; avenue Victor Hugo; rue du Moulin; boulevard Voltaire; place de l'Église; rue Pasteur",
        "Camille Lucas Léa Hugo Zoé Gabriel Inès Raphaël Manon François Aurélie",
        "Bernard Dubois Moreau Laurent Lefèvre Garnier Rousseau Faure Mercier Renaud",
    ),
    _country(
        "ES", "{street} {number}",
        "Madrid/Madrid/280##; Barcelona/Cataluña/080##; Valencia/Comunidad Valenciana/460##; Sevilla/Andalucía/410##;"
        " Bilbao/País Vasco/480##",
        "Calle Mayor; Gran Vía; Calle de Alcalá; Avenida de la Constitución; Paseo del Prado; Calle del Sol",
        "Lucía Hugo María Martín Sofía Pablo Carmen Álvaro Elena Íñigo",
        "García Fernández González Rodríguez López Sánchez Pérez Muñoz Ibáñez Ortega",
    ),
    _country(
        "IT", "{street} {number}",
        "Roma/Lazio/001##; Milano/Lombardia/201##; Torino/Piemonte/101##; Firenze/Toscana/501##;"
        " Bologna/Emilia-Romagna/401##",
        "Via Roma; Corso Garibaldi; Via Dante; Viale Europa; Piazza San Marco; Via Giuseppe Verdi",
        "Giulia Leonardo Sofia Francesco Aurora Lorenzo Alice Matteo Chiara Niccolò",
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Conti D'Angelo",
    ),
    _country(
        "NL", "{street} {number}",
        "Amsterdam/Noord-Holland/101# ??; Rotterdam/Zuid-Holland/301# ??; Utrecht/Utrecht/351# ??;"
        " Eindhoven/Noord-Brabant/561# ??; Groningen/Groningen/971# ??",
        "Kerkstraat; Dorpsstraat; Molenweg; Prinsengracht; Stationsplein; Julianalaan",
        "Daan Emma Sem Julia Bram Sanne Thijs Fleur Joris Noor",
        "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Hendriks Dekker",
    ),
    _country(
        "IN", "{number}, {street}",
        "Bengaluru/Karnataka/5600##; Mumbai/Maharashtra/4000##; Delhi/Delhi/1100##; Chennai/Tamil Nadu/6000##;"
        " Hyderabad/Telangana/5000##; Pune/Maharashtra/4110##",
        "MG Road; Brigade Road; Linking Road; Anna Salai; Park Street; Nehru Nagar; Residency Road",
        "Aarav Ananya Vivaan Diya Arjun Priya Rohan Kavya Ishaan Meera",
        "Sharma Patel Gupta Iyer Reddy Nair Singh Mehta Rao Banerjee",
    ),
    _country(
        "JP", "{number}-{floor} {street}",
        "Tokyo/Tokyo/100-00##; Osaka/Osaka/530-00##; Kyoto/Kyoto/600-80##; Sapporo/Hokkaido/060-00##;"
        " Fukuoka/Fukuoka/810-00##",
        "Marunouchi; Umeda; Kawaramachi; Tenjin; Shinjuku; Sakae; Odori",
        "Haruto Yui Sota Hina Ren Sakura Yuto Aoi Kaito Mei",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato",
    ),
    _country(
        "BR", "{street}, {number}",
        "São Paulo/SP/010##-###; Rio de Janeiro/RJ/200##-###; Belo Horizonte/MG/301##-###; Curitiba/PR/800##-###;"
        " Salvador/BA/400##-###",
        "Avenida Paulista; Rua das Flores; Rua XV de Novembro; Avenida Atlântica; Rua Augusta",
        "Miguel Helena Arthur Alice João Laura Davi Manuela Antônio Conceição",
        "Silva Santos Oliveira Souza Pereira Lima Carvalho Araújo Gonçalves Simões",
    ),
    _country(
        "AU", "{number} {street}",
        "Sydney/NSW/20##; Melbourne/VIC/30##; Brisbane/QLD/40##; Perth/WA/60##; Adelaide/SA/50##",
        "George Street; Collins Street; Queen Street; St Georges Terrace; Beach Road; Wattle Street",
        "Jack Charlotte Oliver Mia William Ruby Lachlan Matilda Cooper Isla",
        "Kelly Ryan Harris White Nguyen King Mitchell Murphy Baker Edwards",
    ),
]  # fmt: skip

_WORDS = [
    "Acme", "Northwind", "Bluebird", "Cedar", "Delta", "Evergreen", "Falcon", "Granite", "Harbor", "Indigo", "Juniper",
    "Keystone", "Lumen", "Meridian", "Nimbus", "Orbit", "Pioneer", "Quartz", "Riverbend", "Summit", "Tidal", "Zenith",
]  # fmt: skip
_TRADES = [
    "Labs", "Software", "Analytics", "Studio", "Logistics", "Foods", "Health", "Media", "Robotics", "Travel", "Energy",
]  # fmt: skip
_FORMS = {"US": "Inc.", "CA": "Inc.", "GB": "Ltd", "DE": "GmbH", "FR": "SARL", "ES": "S.L.", "IT": "S.r.l.",
          "NL": "B.V.", "IN": "Pvt Ltd", "JP": "K.K.", "BR": "Ltda.", "AU": "Pty Ltd"}  # fmt: skip
_ENDINGS = ("com", "net", "org")
_SOURCES = ("website", "referral", "sales", "partner", "event")
_SEGMENTS = ("startup", "small business", "mid-market", "enterprise")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_NOT_IN_MAILS = re.compile(r"[^a-z]")


def samples(start: int) -> Iterator[Sample]:
    """Yield customers without end; the same start always yields the same ones.

    E-mails are of the domains that RFC 2606 sets aside, so no stranger ever gets a mail.
    """
    random = Random(start)  # noqa: S311 - decoration, not a secret
    choice, below = random.choice, random.randrange
    plain = {name: _plain(name) for country in _COUNTRIES for name in (*country.first, *country.last)}
    while True:
        country = choice(_COUNTRIES)
        first, last, ending = choice(country.first), choice(country.last), choice(_ENDINGS)
        mailbox = f"{plain[first]}.{plain[last]}"
        metadata = {"source": choice(_SOURCES)}
        if below(10) < 4:
            word, trade = choice(_WORDS), choice(_TRADES)
            name = f"{word} {trade} {_FORMS[country.code]}"
            email = f"{mailbox}@{word.lower()}-{trade.lower()}.example.{ending}"
            metadata["segment"] = choice(_SEGMENTS)
        else:
            name = f"{first} {last}"
            email = f"{mailbox}{below(1, 10_000)}@example.{ending}"
        yield Sample(name, email, _address(random, country), metadata)


def _address(random: Random, country: _Country) -> dict[str, str]:
    choice, below = random.choice, random.randrange
    city, state, postal = choice(country.cities)
    line1 = country.line1.format(number=below(1, 250), floor=below(1, 20), street=choice(country.streets))
    address = {"country": country.code, "line1": line1}
    if below(5) == 0:
        address["line2"] = f"{choice(('Suite', 'Floor', 'Unit'))} {below(1, 40)}"
    filled = (str(below(10)) if sign == "#" else choice(_LETTERS) if sign == "?" else sign for sign in postal)
    return address | {"postalCode": "".join(filled), "city": city, "state": state}


def _plain(name: str) -> str:
    """Return the name as the part of an e-mail before the @: letters without their marks."""
    german = name.lower().replace("ß", "ss")
    return _NOT_IN_MAILS.sub("", unicodedata.normalize("NFD", german))
