//! What the shop sells, second half: home, garden, desk, outdoors, play and care.

use super::shelves::{LINEN_COLORS, Shelf, kind, sized};

const METALS: &[&str] = &["Brass", "Matte Black", "Steel"];

#[rustfmt::skip]
pub(super) const SHELVES: &[Shelf] = &[
    Shelf {
        category: "Bed & Bath", code: "BED",
        promises: &["Made without harsh dyes.", "Tested by an independent laboratory.", "Made in a mill with its own wind turbine."],
        kinds: &[
            kind("Bath Towel", &["Waffle", "Organic Cotton"], LINEN_COLORS, (1900, 3900), "A thirsty towel with a hanging loop."),
            kind("Duvet Cover", &["Washed Linen", "Percale"], LINEN_COLORS, (7900, 18900), "A cover with corner ties and buttons of shell."),
            kind("Pillowcase", &["Washed Linen", "Percale"], LINEN_COLORS, (1800, 3900), "An envelope pillowcase that keeps its pillow in."),
            kind("Throw Blanket", &["Wool", "Cotton Gauze"], LINEN_COLORS, (4900, 11900), "A throw that covers two on a sofa."),
            kind("Bath Mat", &["Cotton", "Cork"], LINEN_COLORS, (1900, 4500), "Dries fast and stays where it lies."),
        ],
    },
    Shelf {
        category: "Lighting & Decor", code: "LUX",
        promises: &["Ships in cardboard, without plastic.", "Easy to give, hard to give away.", "Looks right from the first day."],
        kinds: &[
            kind("Desk Lamp", &["Articulated", "Clip-On"], METALS, (3900, 11900), "A lamp that stays where you point it."),
            kind("Pendant Light", &["Glass Globe", "Enamel"], METALS, (5900, 14900), "Throws a wide pool of light over a table."),
            sized("Scented Candle", &["Cedar", "Fig Leaf", "Linen", "Orange Blossom"], &["Small", "Large"], (1400, 3400), "Soy wax with a cotton wick, about forty hours."),
            sized("Picture Frame", &["Oak", "Walnut"], &["A5", "A4", "A3"], (1200, 3900), "A slim frame with real glass and an easy back."),
            kind("Wall Clock", &["Silent", "Station"], METALS, (2900, 6900), "A clear face with a movement that does not tick."),
            sized("Vase", &["Stoneware", "Smoked Glass"], &["Small", "Tall"], (1800, 4900), "Narrow at the neck, so that three stems look like a bunch."),
            kind("Mirror", &["Round", "Arched"], METALS, (4900, 12900), "A mirror with a thin frame that hangs on one nail."),
        ],
    },
    Shelf {
        category: "Garden & Balcony", code: "GAR",
        promises: &["Tested in our own beds and borders.", "Good for balconies, too.", "Packed in paper, without plastic."],
        kinds: &[
            kind("Hand Trowel", &["Stainless Steel", "Forged"], &["Narrow", "Wide"], (1200, 2900), "Cuts through roots and does not bend."),
            sized("Pruning Shears", &["Bypass", "Anvil"], &["Small", "Large"], (1900, 4900), "Clean cuts on living wood up to two centimeters."),
            sized("Watering Can", &["Galvanized", "Copper"], &["1.5 l", "5 l", "9 l"], (1900, 5900), "A long spout that reaches the back row."),
            sized("Planter", &["Terracotta", "Fiber Clay"], &["18 cm", "25 cm", "35 cm"], (1200, 5900), "A pot with a drainage hole and a saucer."),
            sized("Seed Collection", &["Kitchen Herb", "Pollinator", "Salad"], &["6 Packets", "12 Packets"], (900, 2400), "Open-pollinated seed from the last harvest."),
            sized("Bird Feeder", &["Window", "Cedar"], &["Small", "Large"], (1500, 3900), "Easy to fill, hard for squirrels."),
            kind("Garden Gloves", &["Leather", "Bamboo"], &["Small", "Medium", "Large"], (1200, 2900), "Supple gloves that keep thorns out."),
            sized("Plant Stand", &["Oak", "Powder-Coated"], &["Low", "Tall"], (2900, 6900), "Lifts a pot into the light and off the floor."),
        ],
    },
    Shelf {
        category: "Stationery & Desk", code: "DSK",
        promises: &["Made for people who still write.", "Packed in paper, without plastic.", "Looks as good after a year on the desk."],
        kinds: &[
            sized("Notebook", &["Dotted", "Ruled", "Plain"], &["A6", "A5", "A4"], (700, 2200), "Thread-bound paper of 100 grams that takes a fountain pen."),
            kind("Fountain Pen", &["Brushed Steel", "Resin"], &["Fine", "Medium"], (2400, 7900), "A smooth nib that starts at the first touch."),
            kind("Mechanical Pencil", &["Brass", "Hexagonal"], &["0.5 mm", "0.7 mm"], (900, 2900), "A pencil with a retractable tip and a real eraser."),
            sized("Desk Organizer", &["Oak", "Felt"], &["Small", "Large"], (1900, 4900), "A place for the six things you keep looking for."),
            kind("Weekly Planner", &["Undated", "Academic"], &["Black", "Sand", "Sage"], (1200, 2600), "A week on two pages with room for notes."),
            kind("Letter Set", &["Cotton Paper", "Recycled"], &["White", "Ivory"], (1100, 2400), "Twelve sheets with lined envelopes."),
            kind("Pencil Case", &["Canvas", "Leather"], &["Black", "Sand", "Sage"], (1200, 3400), "A roll that keeps tips apart from erasers."),
            sized("Sticky Notes", &["Lined", "Plain"], &["3 Pads", "6 Pads"], (400, 1100), "Notes that stick twice and leave no trace."),
        ],
    },
    Shelf {
        category: "Electronics & Audio", code: "ELC",
        promises: &["Works over USB-C.", "Two years of guarantee, spare parts for seven.", "No account and no app needed."],
        kinds: &[
            kind("Headphones", &["Over-Ear", "Noise-Cancelling"], &["Black", "Silver", "Sand"], (7900, 24900), "Thirty hours of music and ear pads that come off."),
            kind("Earbuds", &["Wireless", "Sport"], &["Black", "White"], (4900, 14900), "Small buds with real buttons."),
            kind("Bluetooth Speaker", &["Pocket", "Bookshelf"], &["Black", "Clay", "Sage"], (3900, 17900), "Fills a kitchen without shaking the plates."),
            sized("Power Bank", &["Slim", "Rugged"], &["5,000 mAh", "10,000 mAh", "20,000 mAh"], (1900, 5900), "Charges a phone twice and itself by lunch."),
            sized("Charging Cable", &["Braided", "Magnetic"], &["1 m", "2 m"], (900, 2400), "A cable whose ends do not fray."),
            kind("Keyboard", &["Mechanical", "Low-Profile"], &["Black", "White"], (5900, 15900), "Tactile keys that let a colleague sleep."),
            kind("Webcam", &["Full HD", "4K"], &["Black", "White"], (3900, 12900), "A sharp picture in a dim room, with a cover for the lens."),
            sized("Wireless Charger", &["Oak", "Aluminum"], &["Single", "Double"], (2900, 6900), "A pad that finds the phone even when you do not look."),
        ],
    },
    Shelf {
        category: "Outdoor & Travel", code: "OUT",
        promises: &["Tested through a wet Scottish week.", "Repairs are free for life.", "Light enough to forget that you carry it."],
        kinds: &[
            sized("Water Bottle", &["Insulated", "Single-Wall"], &["0.5 l", "0.75 l", "1 l"], (1600, 3900), "Keeps water cold for a day and does not leak in a bag."),
            kind("Head Torch", &["Rechargeable", "Ultralight"], &["Black", "Orange"], (2400, 6900), "A wide beam for camp and a narrow one for the path."),
            sized("Sleeping Bag", &["Three-Season", "Summer"], &["Regular", "Long"], (6900, 19900), "A warm bag with a two-way zip and a pocket for a watch."),
            kind("Camp Stove", &["Folding", "Windproof"], &["Gas", "Multi-Fuel"], (3900, 10900), "Boils half a liter in three minutes."),
            sized("Dry Bag", &["Roll-Top", "Ultralight"], &["5 l", "15 l", "30 l"], (1200, 3400), "Welded seams that keep a jacket dry in a canoe."),
            kind("Umbrella", &["Stormproof", "Compact"], &["Black", "Navy", "Mustard"], (1900, 4900), "Eight ribs that turn inside out and back again."),
            kind("Trekking Poles", &["Carbon", "Aluminum"], &["Fixed", "Folding"], (4900, 12900), "A pair with cork grips and tips that bite."),
            sized("Picnic Blanket", &["Wool", "Waterproof"], &["Small", "Large"], (2900, 6900), "Rolls up with its own strap."),
        ],
    },
    Shelf {
        category: "Toys & Games", code: "TOY",
        promises: &["Tested by children who did not hold back.", "Packed without plastic.", "No batteries, no screens."],
        kinds: &[
            sized("Wooden Puzzle", &["Farmyard", "World Map", "Night Sky"], &["24 Pieces", "48 Pieces", "100 Pieces"], (1200, 2900), "Thick pieces that click when they fit."),
            sized("Building Blocks", &["Beech", "Rainbow"], &["50 Pieces", "100 Pieces"], (2400, 5900), "Blocks cut so precisely that towers stand."),
            sized("Board Game", &["Cooperative", "Strategy", "Family"], &["Travel Edition", "Full Edition"], (1900, 5400), "Learned in five minutes, different every evening."),
            sized("Plush Animal", &["Otter", "Badger", "Hare", "Owl"], &["Small", "Large"], (1400, 3900), "Soft, washable and stitched to be dragged about."),
            sized("Card Game", &["Memory", "Word"], &["Pocket", "Deluxe"], (800, 1900), "A game that fits in a coat and a coffee break."),
            kind("Kite", &["Diamond", "Delta"], &["Red", "Blue", "Yellow"], (1400, 3400), "Flies in a light breeze and comes with thirty meters of line."),
            kind("Yo-Yo", &["Maple", "Steel"], &["Red", "Blue"], (900, 2400), "Sleeps long enough to learn every trick."),
        ],
    },
    Shelf {
        category: "Soap & Care", code: "CAR",
        promises: &["Made in small batches.", "Packed in paper, without plastic.", "A good habit for every day."],
        kinds: &[
            sized("Bar Soap", &["Lavender", "Cedarwood", "Oat & Honey", "Charcoal"], &["Single", "Set of 3"], (500, 1900), "Cured for six weeks so that it lasts."),
            sized("Hand Cream", &["Shea", "Rosemary", "Unscented"], &["50 ml", "100 ml"], (800, 2200), "Sinks in before you reach for the next thing."),
            sized("Shampoo", &["Nettle", "Chamomile"], &["250 ml", "500 ml"], (1100, 2600), "Cleans without stripping and rinses out quickly."),
            sized("Beard Oil", &["Cedarwood", "Citrus"], &["30 ml", "50 ml"], (1200, 2800), "A few drops tame the itch and the shine."),
            kind("Safety Razor", &["Brass", "Stainless Steel"], &["Short Handle", "Long Handle"], (2900, 6900), "One blade, no waste, a close shave."),
            sized("Lip Balm", &["Beeswax", "Mint", "Cocoa"], &["Single", "Set of 3"], (350, 1200), "Softens without a shine or a taste."),
            kind("Comb", &["Walnut", "Pear Wood"], &["Pocket", "Wide Tooth"], (900, 2400), "Sawn, not molded, so that no hair catches."),
            sized("Bath Salts", &["Eucalyptus", "Rose"], &["300 g", "600 g"], (900, 2200), "Mineral salts for a long soak."),
        ],
    },
];
