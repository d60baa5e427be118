//! Invented people and where they live: our own lists, with numbers and domains reserved for examples.

/// Where a customer may live.
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: &'static str,
    /// ISO 3166-1 alpha-2.
    pub(super) country: &'static str,
    /// A prefix of numbers that no subscriber has (reserved for fiction), completed with two digits.
    pub(super) phone: &'static str,
    /// How many of the shop's customers live there, relative to the other places.
    pub(super) weight: f64,
}

const fn place(
    city: &'static str,
    state: &'static str,
    zip: &'static str,
    country: &'static str,
    phone: &'static str,
    weight: f64,
) -> Place {
    Place { city, state, zip, country, phone, weight }
}

#[rustfmt::skip]
pub(super) const PLACES: &[Place] = &[
    place("Portland", "OR", "97205", "US", "+1-503-555-01", 9.0),
    place("Austin", "TX", "78701", "US", "+1-512-555-01", 9.0),
    place("Brooklyn", "NY", "11215", "US", "+1-718-555-01", 12.0),
    place("Chicago", "IL", "60614", "US", "+1-312-555-01", 9.0),
    place("Madison", "WI", "53703", "US", "+1-608-555-01", 4.0),
    place("Savannah", "GA", "31401", "US", "+1-912-555-01", 3.0),
    place("Denver", "CO", "80205", "US", "+1-303-555-01", 6.0),
    place("Seattle", "WA", "98103", "US", "+1-206-555-01", 8.0),
    place("Toronto", "ON", "M5V 2T6", "CA", "+1-416-555-01", 6.0),
    place("Montreal", "QC", "H2X 1Y4", "CA", "+1-514-555-01", 3.0),
    place("Manchester", "Greater Manchester", "M1 4BT", "GB", "+44 161 496 00", 6.0),
    place("Edinburgh", "Scotland", "EH1 1TB", "GB", "+44 131 496 00", 4.0),
    place("Dublin", "Leinster", "D02 X285", "IE", "+353 20 912 34", 2.0),
    place("Hamburg", "Hamburg", "20357", "DE", "+49 40 669 69 1", 5.0),
    place("Leipzig", "Sachsen", "04109", "DE", "+49 30 231 25 1", 3.0),
    place("Lyon", "Auvergne-Rhone-Alpes", "69002", "FR", "+33 1 99 00 12 ", 4.0),
    place("Utrecht", "Utrecht", "3511 AB", "NL", "+31 85 012 34", 3.0),
    place("Melbourne", "VIC", "3000", "AU", "+61 3 5550 10", 4.0),
];

pub(super) const FIRST_NAMES: &[&str] = &[
    "Ada", "Amara", "Anton", "Beatriz", "Bruno", "Carmen", "Chidi", "Clara", "Dario", "Dilnoza", "Edith",
    "Elio", "Emeka", "Esther", "Farid", "Felix", "Freya", "Gita", "Hanna", "Hugo", "Ines", "Ivan", "Jonas",
    "Joy", "Kaveh", "Keiko", "Lars", "Leila", "Linus", "Maeve", "Malik", "Marta", "Mina", "Nadia", "Noor",
    "Olga", "Oscar", "Paula", "Priya", "Quentin", "Rafael", "Rosa", "Samir", "Selma", "Tariq", "Tess", "Uma",
    "Viktor", "Wanda", "Yusuf",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "Abara",
    "Albright",
    "Andersen",
    "Bakker",
    "Bennett",
    "Bianchi",
    "Castillo",
    "Chandra",
    "Cole",
    "Dalton",
    "Demir",
    "Duarte",
    "Eklund",
    "Farrow",
    "Fischer",
    "Fontaine",
    "Gallagher",
    "Greene",
    "Haddad",
    "Hartley",
    "Ibarra",
    "Ivanova",
    "Jensen",
    "Kaur",
    "Keller",
    "Kimura",
    "Larsen",
    "Lindqvist",
    "Mancini",
    "Mbeki",
    "Moreau",
    "Nakata",
    "Novak",
    "Okafor",
    "Oliveira",
    "Park",
    "Petrov",
    "Quinn",
    "Rahman",
    "Reyes",
    "Rossi",
    "Sato",
    "Schneider",
    "Silva",
    "Tanaka",
    "Unger",
    "Vargas",
    "Walsh",
    "Yilmaz",
    "Zamora",
];

pub(super) const STREETS: &[&str] = &[
    "Alder Street",
    "Bridge Road",
    "Chestnut Avenue",
    "Dock Lane",
    "Elm Court",
    "Foundry Street",
    "Garden Row",
    "Harbor View",
    "Juniper Way",
    "Linden Square",
    "Mill Lane",
    "Orchard Close",
    "Quarry Road",
    "Station Street",
    "Walnut Grove",
    "Weaver Street",
];

/// Domains that RFC 2606 reserves, so that no mail ever reaches anybody.
pub(super) const MAIL_DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];

pub(super) const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
];
