"""What customers have bought, booked or lost, by kind; data."""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in " ".join(text.split()).split(";"))


THINGS = {
    "goods": _lines("""
        garden bench; desk lamp; cast-iron pan; bread maker; yoga mat; mountain tent; camping stove; violin
        stand; baby monitor; car seat; pushchair; espresso grinder; wool rug; picture frame; dartboard; chess
        set; jigsaw puzzle; bird feeder; hedge trimmer; wheelbarrow; sleeping bag; bicycle helmet; bike rack;
        aquarium filter; dog crate; cat tree; sewing machine; watercolour set; ukulele; telescope; globe; alarm
        clock; shower head; ironing board; vacuum flask; knife block; cake stand; salad spinner; office chair;
        standing desk mat; umbrella; wall mirror; floor cushion; curtain rail; tool box; cordless drill; spirit
        level; paint sprayer; inflatable kayak; fishing rod
    """),
    "flatpack": _lines("""
        bookcase; bunk bed; shoe cabinet; wardrobe; writing desk; kitchen trolley; garden shed; greenhouse;
        dining table; chest of drawers; cot; TV bench; bar stool; loft bed; coat rack; sideboard; rabbit hutch;
        trampoline
    """),
    "clothes": _lines("""
        rain jacket; linen shirt; pair of hiking boots; evening dress; wool coat; pair of jeans; school blazer;
        cardigan; pair of running shoes; ski suit; bridesmaid dress; leather belt; pair of sandals; waistcoat;
        swimsuit; hoodie; pair of dance shoes; maternity dress; silk scarf; pair of gloves; dressing gown;
        cycling vest; sari; kimono
    """),
    "gifts": _lines("""
        gift card; birthday gift card; printed voucher; e-mail voucher; spa voucher; bookshop card; dinner
        voucher
    """),
    "logins": _lines("""
        customer portal; web shop account; photo cloud; e-mail account; tax software; school portal; video
        library; music account; booking portal; parents' app; work calendar; patient portal; recipe site; game
        account; loyalty account
    """),
    "subscriptions": _lines("""
        film subscription; newspaper subscription; music plan; audiobook plan; coffee subscription; flower
        subscription; magazine subscription; language app plan; wine box; puzzle box; cloud storage plan; razor
        subscription; sports channel; children's channel; meditation app plan; antivirus licence; dating app
        plan; contact lens plan
    """),
    "lines": _lines("""
        broadband line; fibre line; internet connection; landline; office line; cable connection; home internet;
        TV line
    """),
    "mobiles": _lines("""
        mobile plan; prepaid card; family plan; data stick; second SIM; business phone; children's plan; tablet
        plan
    """),
    "devices": _lines("""
        laptop; tablet; e-reader; phone; smartwatch; digital camera; game console; hearing aid charger; headset;
        printer; projector; drone; dash camera; electric toothbrush; label printer; radio; music keyboard;
        external drive; monitor
    """),
    "appliances": _lines("""
        washing machine; dishwasher; fridge; freezer; tumble dryer; oven; induction hob; cooker hood; coffee
        machine; microwave; robot vacuum; steam iron; air purifier; dehumidifier; lawn mower; food processor;
        water boiler; blender
    """),
    "apps": _lines("""
        running app; banking app; recipe app; diary app; bus app; photo app; budget app; podcast app; weather
        app; ticket app; car-sharing app; drawing app; sleep app; translation app; pregnancy app; chess app;
        invoice program
    """),
    "smart": _lines("""
        video doorbell; smart lock; thermostat; light strip; garden sprinkler; robot mower; smoke alarm; baby
        camera; smart plug; wireless speaker; blind motor; weather station; garage opener; pet feeder; leak
        sensor; kettle with app
    """),
    "payments": _lines("""
        concert booking; hotel deposit; garden order; taxi ride; petrol stop; school lunch; parking session;
        swimming course; phone top-up; donation; online course; furniture order; museum ticket; ferry ticket;
        printer order
    """),
    "banking": _lines("""
        current account; joint account; student account; savings account; business account; youth account;
        dollar account
    """),
    "loans": _lines("""
        car loan; student loan; mortgage; kitchen loan; consumer loan; solar loan; boat loan; building loan;
        phone loan
    """),
    "claims": _lines("""
        burst pipe in the kitchen; stolen bicycle; cracked windscreen; broken tooth; fallen tree on the garage;
        smashed shop window; flooded cellar; dented car door; lost hearing aid; burnt carpet; cancelled holiday;
        dog bite; hail dent in the roof; broken phone; stolen pram; lightning strike; vet bill; sprained ankle
        abroad
    """),
    "contracts": _lines("""
        gym contract; electricity contract; newspaper contract; car insurance; nursery place; water contract;
        music school place; household insurance; club membership; waste collection; storage room; phone
        contract; allotment
    """),
    "energy": _lines("""
        electricity; gas supply; district heating; night storage heating; heat pump tariff; water supply; car
        charging tariff; solar feed-in; holiday flat electricity; workshop electricity
    """),
    "flights": _lines("""
        flight; return flight; connecting flight; night flight; charter flight; one-way ticket; weekend flight;
        group flight
    """),
    "bags": _lines("""
        suitcase; rucksack; guitar case; pushchair; ski bag; golf bag; hard case; holdall; garment bag; child
        seat; surfboard bag; cello case
    """),
    "rooms": _lines("""
        double room; family room; single room; holiday flat; sea-view room; suite; hostel bed; cabin; attic
        room; bungalow; room with a balcony; accessible room
    """),
    "cars": _lines("""
        small car; estate car; van; camper van; convertible; seven-seater; electric car; minibus; scooter;
        delivery van
    """),
    "trains": _lines("""
        train; night train; regional train; express; airport train; intercity; connecting train; sleeper
    """),
    "events": _lines("""
        jazz concert; musical; football match; poetry evening; circus show; ballet; comedy night; science fair;
        opera; film festival; tennis final; puppet show; food market; book reading; ice show; brass concert;
        magic show
    """),
    "trips": _lines("""
        business trip; round trip; language stay; study trip; cruise; volunteer stay; family visit; trekking
        tour; trade fair visit; honeymoon; pilgrimage; diving holiday
    """),
    "dishes": _lines("""
        lentil soup; almond cake; pad thai; fish pie; mushroom risotto; falafel wrap; oat biscuit; ramen;
        vegetable curry; cheese tart; poke bowl; lasagne; spring roll; pumpkin ravioli; beef stew; paella;
        granola bar; dumpling box; moussaka; burrito; couscous salad; tofu bowl; chocolate mousse; quiche;
        goulash; sushi platter
    """),
    "kits": _lines("""
        meal kit; vegetable box; fish box; family recipe box; low-carb box; baby food box; breakfast box; fruit
        crate; baking box; soup box
    """),
    "groceries": _lines("""
        carton of oat milk; loaf of rye bread; jar of honey; crate of water; bag of lemons; round of goat's
        cheese; tub of yoghurt; pack of nappies; bottle of olive oil; sack of potatoes; bag of frozen spinach;
        bag of coffee; box of eggs; pack of smoked salmon; jar of tahini; bag of rice; pack of fresh pasta
    """),
    "visits": _lines("""
        dentist appointment; eye test; physiotherapy session; vaccination; skin check; blood test; hearing test;
        check-up for the baby; X-ray; counselling session; allergy test; diabetes check; speech therapy session;
        haircut; driving lesson
    """),
    "medicines": _lines("""
        inhaler; thyroid tablet; eye drop bottle; migraine tablet; insulin pen; blood pressure tablet; nasal
        spray; iron supplement; cream; asthma spray; pain patch; vitamin course; cough syrup; allergy tablet
    """),
    "memberships": _lines("""
        gym membership; swimming pass; climbing pass; yoga membership; rowing club membership; dance studio
        card; tennis membership; spa membership; boxing pass; family swimming pass; pilates pass; fitness course
    """),
    "courses": _lines("""
        Spanish course; accounting course; pottery class; coding course; first-aid course; photography class;
        wine seminar; guitar course; knitting class; sign language course; baking class; drawing course; exam
        course; gardening seminar
    """),
    "helpers": _lines("""
        cleaner; gardener; window cleaner; babysitter; dog walker; painter; removal team; ironing help;
        handyman; plumber; chimney sweep; piano tuner; cook
    """),
    "heating": _lines("""
        boiler; heat pump; gas heater; floor heating; radiator; water heater; pellet stove; thermostat;
        hot-water tank
    """),
    "parking": _lines("""
        supermarket car park; hospital car park; station garage; airport car park; shopping centre; zoo car
        park; theatre garage; beach car park; garden centre car park; cinema garage
    """),
    "loaned": _lines("""
        cookbook; travel guide; board game; audiobook; atlas; crime novel; picture book; music score; sewing
        pattern; film; dictionary; comic; ladder; projector; biography
    """),
}
WEEKDAYS = _lines("Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday")
MONTHS = _lines("January; February; March; April; May; June; July; August; September; October; November; December")
CITIES = _lines("""
    Lisbon; Oslo; Vienna; Prague; Dublin; Nairobi; Osaka; Toronto; Madrid; Athens; Porto; Seville; Warsaw;
    Tallinn; Zurich; Chicago; Marrakesh; Hanoi; Seoul; Bogota; Lima; Melbourne; Naples; Glasgow; Antwerp; Cape
    Town; Jakarta; Tbilisi
""")
COLOURS = _lines(
    "red; navy; olive; beige; black; white; burgundy; turquoise; mustard; silver; dark green; purple; sand"
)
COMPANIES = _lines("""
    Brightloop; Norwood & Finch; Tellaria; Kestrelway; Oakline; Pippa's Pantry; Bluefern; Quillmark; Harbourly;
    Zellova Home; Mapleroot; Fennick; Larkspan; Ostrelle Living; Tidewell; Corvanta; Juniperry; Halden & Co;
    Solvane; Wrenhill; Vantora; Ekko
""")
NUMBER_WORDS = _lines("zero; one; two; three; four; five; six; seven; eight; nine; ten; eleven; twelve; thirteen")
