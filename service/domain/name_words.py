"""Words that decide what may be the name of a person; data for ``spoken_names``."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# They stand before a name and are no part of it.
LEAD_WORDS = _words("""
    hi hello hey dear yes yeah yep sure ok okay well so oh and also sorry thanks mr mr. mrs mrs. ms ms. miss mx mx.
    dr dr. prof prof. professor madam sir señor señora herr frau monsieur madame
""")
# They stand inside a name and tell nobody apart.
PARTICLES = _words("""
    van von der den de del della di da do dos das du la le el al bin ibn bint ben ter ten y e zu af av st st. jr jr. sr
    sr. mr mr. mrs mrs. ms ms. miss mx mx. dr dr. prof prof. professor
""")
# What they are part of is a company, a team or a place, not a person.
ORGANISATION_WORDS = _words("""
    support service services team desk helpdesk care department bank banking insurance telecom mobile airlines airways
    air energy power water gas shop store stores market online express logistics delivery courier hotel hotels
    resort clinic pharmacy university college school group inc ltd llc gmbh corp company foods electronics fashion
    sports media tv street road avenue lane city airport station plus pro max mini premium
""")
# Names that are as well ordinary words, months, virtues or verbs.
ALSO_WORDS = _words("""
    will may mark bill grace rose joy hope faith dawn april june august summer autumn sue pat rob chase grant drew art
    ray jack frank rich iris ivy lily olive pearl ruby amber crystal jade violet daisy holly heather ginger penny
    melody harmony charity patience constance prudence victor dean earl duke king prince sage basil rusty skip buck
    cliff glen dale forest heath brook brooks lake reed stone wood woods field banks hill hall park parker page price
    young long short small little strong sharp swift bright black white brown green gray grey gold silver day knight
    cook baker butler carter cooper mason miller porter potter shepherd smith taylor turner weaver walker hunter fisher
    bishop abbot bell ball case cross fox wolf lamb bird bush rice salt love moon star sky so do an in my hai son long
    lee sun yen van ban kim tu song bond marsh rivers winter winters snow frost west north page major max chance
    christian norman roman german guy gene carol mercy precious gift blessing sunday monday destiny angel ace dash
""")
# What follows "I'm", "this is", "hi" or "thanks" and is no name, whether or not somebody capitalised it.
NOT_NAMES = _words("""
    a about above absolutely according account actually address afraid african after afternoon afternoons again age
    agent ago agree agreement ah all almost alone already alright also always am american amount an and angry
    annoyed another answer any anyone anything apologies arabic are around arriving as asap asian asking at
    australian aware away awful back bad bank be because been before being best better between bill billing birthday
    both bothered brand british buddhist by bye calling can can't canadian canceled cancelled cannot card case
    catholic cause certain certainly chat checking cheers chinese christmas clear clearly client code color colour
    come company completely concerned confident confused considering contacting correct cost could country currently
    customer customers dad danish date day days deadline dear december definitely delighted delivery description
    device did disabled disappointed disgusted do does don't done down dutch email emailing english error european
    even evening evenings event everybody everyone everything exactly excellent excited expecting facing february
    fed feeling few file finally fine finnish first fix folks following for found free french friday friend from
    frustrated fully furious generally gentlemen german getting give glad going gold gone good good-bye goodbye got
    great greek guys had half happy has hate have having he hearing hello help helpful her here here's hi hindu his
    hm hmm hold home hopeful hoping hours how however i i'll i'm i've if impressed in indeed indian information
    interested invoice irish is issue issues it it's italian item items january japanese jewish july just keen
    korean ladies language last late later leaving left let let's level like line listen listening live living
    location locked looking lost lots love ma'am made making man many march mate message method mexican minutes
    missing misspelled misspelt mm model mom monday month months more morning mornings most mostly moving much mum
    muslim my name names net new next nice night no nobody none nope norwegian not note notes nothing november now
    number october of off offline ok okay old on one online only oops open option or order ordering orders original
    other our out outraged over overcharged overseas password paying payment people perfect phone plan please
    pleased polish portuguese positive postcode premium pretty price problem product quantity question quick quite
    reading ready really reason receipt receiving reference refund regarding regards relieved replying
    representative request result returning ridiculous right room rooms route russian sad same satisfied saturday
    say saying scottish seeing sending september serial serious seriously she shocked short should sick sign simple
    since sincerely sir sitting size so some somebody someone something soon sorry sounds spanish speaking spelled
    spelling spelt standing status step steps still stuck subject summary sunday super supposed sure surprised
    swedish swiss system talking team terrible thank thankful thanks that that's thats the their them then there
    there's these they this those thrilled through thursday ticket time tired title to today together tomorrow
    tonight too total totally tracking traveling travelling trying tuesday turkish type typing uh um unable
    unacceptable unbelievable under understood unfortunately unhappy unlucky unsure until up update upset urgent us
    used user using vegan vegetarian version very vip wait waiting wanting warning was watching we website wednesday
    week weeks welcome well welsh were what what's when where which while who whoever why wish with without won't
    wondering working world worried worse would wow writing wrong yep yes yesterday yet you you're your yours zip
""")
