//! What the shop sells, first half: clothes, bags, kitchen, food and drink. The words are our own.
//!
//! A kind is one article; its styles stand before the noun and its options after a comma, so that every combination
//! reads like a line of a shop's list ("Merino Crew Socks, Charcoal"). Styles move the price, options do not.

/// One department of the shop.
pub(super) struct Shelf {
    /// Shown to customers.
    pub(super) category: &'static str,
    /// The first three letters of every stock-keeping unit of the shelf.
    pub(super) code: &'static str,
    /// A closing sentence for a description, one of these.
    pub(super) promises: &'static [&'static str],
    /// The articles.
    pub(super) kinds: &'static [Kind],
}

/// One article in its variants.
pub(super) struct Kind {
    /// "Crew Socks"
    pub(super) noun: &'static str,
    /// "Merino", "Cotton"
    pub(super) styles: &'static [&'static str],
    /// "Charcoal", "Navy"
    pub(super) options: &'static [&'static str],
    /// The cheapest and dearest believable price, minor units of USD.
    pub(super) price_minor: (i64, i64),
    /// What it is, in one sentence.
    pub(super) blurb: &'static str,
    /// Whether the options are sizes, from small to large, and cost accordingly.
    pub(super) sized: bool,
}

/// An article whose options (colors, fits) all cost the same.
pub(super) const fn kind(
    noun: &'static str,
    styles: &'static [&'static str],
    options: &'static [&'static str],
    price_minor: (i64, i64),
    blurb: &'static str,
) -> Kind {
    Kind { noun, styles, options, price_minor, blurb, sized: false }
}

/// An article whose options are sizes, from small to large.
pub(super) const fn sized(
    noun: &'static str,
    styles: &'static [&'static str],
    options: &'static [&'static str],
    price_minor: (i64, i64),
    blurb: &'static str,
) -> Kind {
    Kind { noun, styles, options, price_minor, blurb, sized: true }
}

const CLOTH_COLORS: &[&str] = &["Charcoal", "Navy", "Oatmeal", "Forest", "Rust"];
pub(super) const LINEN_COLORS: &[&str] = &["White", "Sage", "Clay", "Ink"];
const BAG_COLORS: &[&str] = &["Black", "Olive", "Sand", "Slate"];
const GLAZES: &[&str] = &["Sea Blue", "Chalk White", "Speckled Grey", "Terracotta"];

/// Every shelf of the shop, in the order of the catalogue.
pub(super) fn shelves() -> impl Iterator<Item = &'static Shelf> {
    SHELVES.iter().chain(super::shelves_home::SHELVES)
}

#[rustfmt::skip]
const SHELVES: &[Shelf] = &[
    Shelf {
        category: "Bags & Luggage", code: "BAG",
        promises: &["Stitched twice where it carries the weight.", "Made to be repaired, not replaced.", "Comes in a cotton pouch."],
        kinds: &[
            kind("Backpack", &["Waxed Canvas", "Roll-Top", "Commuter"], BAG_COLORS, (5900, 12900), "Holds a 15-inch laptop, a lunch and a rain jacket without bulging."),
            kind("Weekender", &["Canvas", "Leather-Trim"], BAG_COLORS, (8900, 18900), "A cabin-sized holdall with a separate pocket for shoes."),
            kind("Messenger Bag", &["Cotton Twill", "Recycled Nylon"], BAG_COLORS, (4900, 9900), "A flat shoulder bag that keeps paper from curling."),
            kind("Belt Bag", &["Ripstop", "Quilted"], BAG_COLORS, (1900, 3900), "Keeps keys, cards and a phone on your hip."),
            kind("Wash Bag", &["Waxed Canvas", "Hanging"], BAG_COLORS, (1800, 3600), "A wipe-clean bag with a loop for the bathroom door."),
            sized("Packing Cubes", &["Mesh", "Compression"], &["Set of 3", "Set of 6"], (1600, 3900), "Soft boxes that make a suitcase behave like a drawer."),
        ],
    },
    Shelf {
        category: "Socks & Underlayers", code: "SOX",
        promises: &["Knitted with flat seams.", "Holds its shape wash after wash.", "Spun and knitted by a family mill."],
        kinds: &[
            kind("Crew Socks", &["Merino", "Combed Cotton", "Bamboo"], CLOTH_COLORS, (900, 1900), "Everyday socks that stay up without squeezing."),
            kind("Ankle Socks", &["Merino", "Combed Cotton"], CLOTH_COLORS, (700, 1500), "Low-cut socks with a cushioned heel."),
            kind("Hiking Socks", &["Alpaca", "Heavy Merino"], CLOTH_COLORS, (1600, 2800), "Thick socks for long days in boots."),
            kind("Base Layer Top", &["Merino", "Brushed"], CLOTH_COLORS, (4500, 8500), "A close-fitting layer that is warm when damp."),
            kind("Thermal Leggings", &["Merino", "Brushed"], CLOTH_COLORS, (4200, 7900), "Warm leggings to wear alone or under trousers."),
        ],
    },
    Shelf {
        category: "Knitwear & Shirts", code: "KNT",
        promises: &["Cut for an easy fit.", "Made of yarn that we can trace to the farm.", "Garment-washed, so it will not shrink at home."],
        kinds: &[
            kind("Crewneck Sweater", &["Lambswool", "Cotton"], CLOTH_COLORS, (6900, 12900), "A plain sweater with a ribbed hem that layers over a shirt."),
            kind("Cardigan", &["Lambswool", "Chunky"], CLOTH_COLORS, (7900, 14900), "A button-through cardigan with two useful pockets."),
            kind("Oxford Shirt", &["Washed", "Brushed"], &["White", "Pale Blue", "Ecru"], (5400, 8900), "A button-down shirt in mid-weight cotton."),
            kind("T-Shirt", &["Heavyweight", "Organic Cotton"], CLOTH_COLORS, (1900, 3500), "A boxy tee with a collar that does not wave."),
            kind("Flannel Shirt", &["Checked", "Plain"], &["Red", "Green", "Blue"], (4900, 7900), "A soft shirt that works as a light jacket."),
        ],
    },
    Shelf {
        category: "Hats, Scarves & Gloves", code: "HAT",
        promises: &["Packs into a pocket.", "Hand wash, dry flat.", "One size fits most."],
        kinds: &[
            kind("Beanie", &["Ribbed Merino", "Fisherman", "Cable-Knit"], CLOTH_COLORS, (1900, 3900), "A snug hat with a deep cuff."),
            kind("Scarf", &["Lambswool", "Brushed Mohair"], CLOTH_COLORS, (3400, 6900), "Long enough to wrap twice, light enough to keep on indoors."),
            kind("Gloves", &["Knitted", "Fleece-Lined"], CLOTH_COLORS, (1800, 4500), "Warm gloves with touchscreen fingertips."),
            kind("Cap", &["Six-Panel", "Waxed"], BAG_COLORS, (2200, 3800), "A curved-brim cap with a brass buckle."),
            kind("Sun Hat", &["Wide-Brim", "Packable"], &["Sand", "Olive"], (2800, 4900), "Shades face and neck, and dries in an hour."),
        ],
    },
    Shelf {
        category: "Kitchen & Cookware", code: "KIT",
        promises: &["Made to be used every day.", "Easy to clean, easy to put away.", "Backed by a ten-year guarantee."],
        kinds: &[
            sized("Skillet", &["Cast Iron", "Carbon Steel"], &["20 cm", "26 cm", "30 cm"], (2900, 7900), "A heavy pan that sears properly and goes into the oven."),
            sized("Saucepan", &["Stainless Steel", "Copper-Base"], &["16 cm", "20 cm"], (3400, 8900), "A lidded pan with a drip-free rim and measuring marks inside."),
            sized("Chef's Knife", &["Forged", "Damascus"], &["18 cm", "21 cm"], (4900, 13900), "A balanced blade for nine out of ten jobs."),
            sized("Cutting Board", &["End-Grain Oak", "Beech", "Bamboo"], &["Small", "Large"], (1800, 7900), "A board with a juice groove and rubber feet."),
            sized("Mixing Bowls", &["Stainless Steel", "Glass"], &["Set of 3", "Set of 5"], (1900, 4500), "Nesting bowls with a pouring lip."),
            sized("Utensil Set", &["Olive Wood", "Silicone"], &["4 Pieces", "6 Pieces"], (1600, 3900), "Spoons, a spatula and a ladle that will not scratch."),
            sized("Storage Jars", &["Glass", "Swing-Top"], &["Set of 3", "Set of 6"], (1500, 3900), "Airtight jars that stack and show what is left."),
            kind("Apron", &["Linen", "Denim"], LINEN_COLORS, (2900, 5900), "A cross-back apron with a towel loop."),
        ],
    },
    Shelf {
        category: "Tableware", code: "TAB",
        promises: &["Made by hand, so no two are quite alike.", "Packed so well that it arrives in one piece.", "Goes with everything else on the shelf."],
        kinds: &[
            kind("Mug", &["Stoneware", "Porcelain", "Enamel"], GLAZES, (900, 2200), "A 350 ml mug with a handle for three fingers."),
            kind("Dinner Plate", &["Stoneware", "Porcelain"], GLAZES, (1400, 2800), "A 27 cm plate with a raised rim."),
            kind("Cereal Bowl", &["Stoneware", "Porcelain"], GLAZES, (1200, 2400), "A deep bowl that fits the hand."),
            kind("Serving Platter", &["Stoneware", "Acacia"], GLAZES, (2900, 5900), "A long platter for roasts and picnics."),
            sized("Tumblers", &["Recycled Glass", "Ribbed"], &["Set of 2", "Set of 4"], (1200, 3200), "Tumblers that stack without sticking."),
            sized("Carafe", &["Recycled Glass", "Ribbed"], &["0.75 l", "1 l"], (1900, 3600), "A slim carafe that fits the refrigerator door."),
        ],
    },
    Shelf {
        category: "Coffee & Tea", code: "CAF",
        promises: &["Chosen by people who drink it all day.", "Made in small batches.", "A good present for early risers."],
        kinds: &[
            sized("Coffee Beans", &["House Espresso", "Single-Origin", "Decaf", "Breakfast"], &["250 g", "500 g", "1 kg"], (900, 3200), "Roasted on Tuesdays, with notes of cocoa and stone fruit."),
            sized("Loose Leaf Tea", &["Assam", "Earl Grey", "Sencha", "Mountain Herb"], &["100 g", "250 g"], (700, 2400), "Whole leaves that are good for a second cup."),
            sized("Pour-Over Dripper", &["Ceramic", "Copper"], &["1 Cup", "4 Cups"], (1900, 4900), "A ribbed cone that drains evenly."),
            sized("Teapot", &["Cast Iron", "Glass"], &["0.6 l", "1.2 l"], (2900, 6900), "A pot with a fine steel basket that lifts out."),
            kind("Coffee Grinder", &["Hand", "Conical Burr"], &["Steel", "Black"], (4900, 14900), "Steps from espresso to French press without rattling."),
            kind("Travel Cup", &["Ceramic", "Steel"], &["Black", "Sand", "Sage"], (1900, 3900), "A cup that fits a car, a bag and a machine."),
        ],
    },
    Shelf {
        category: "Pantry", code: "PAN",
        promises: &["Made in small batches.", "Nothing added that you could not pronounce.", "Best within a year, rarely lasts a month."],
        kinds: &[
            sized("Olive Oil", &["Extra Virgin", "Lemon-Pressed"], &["250 ml", "500 ml", "1 l"], (900, 3400), "Cold-pressed from one harvest, green and peppery."),
            sized("Honey", &["Wildflower", "Chestnut", "Acacia"], &["250 g", "500 g"], (700, 1900), "Raw honey from hives that stay in one valley."),
            sized("Dark Chocolate", &["70 %", "85 %", "Sea Salt", "Orange Peel"], &["100 g", "Gift Box"], (450, 2400), "Stone-ground chocolate with a clean snap."),
            sized("Jam", &["Apricot", "Blackcurrant", "Fig"], &["200 g", "340 g"], (500, 1100), "More fruit than sugar, cooked in open pans."),
            sized("Granola", &["Maple Pecan", "Almond Cherry"], &["400 g", "800 g"], (700, 1600), "Toasted slowly in clusters that survive the milk."),
            kind("Pasta", &["Bronze-Cut", "Whole-Grain"], &["Penne", "Linguine", "Fusilli"], (300, 700), "Dried for two days so that sauce clings to it."),
            sized("Sea Salt", &["Smoked", "Rosemary"], &["80 g", "200 g"], (500, 1200), "Coarse flakes that crumble between two fingers."),
        ],
    },
];
