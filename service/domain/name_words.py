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
    a about above absolutely account actually after afraid again agent ago agree all almost alone already alright also
    always am american an and angry annoyed another any anyone anything apologies arabic are around arriving as asap
    asking at aware away awful back bad be because been before being best better between both bothered british bye by
    calling can canceled cancelled cannot certain certainly chat checking chinese christmas clear clearly client
    completely concerned confident confused considering contacting correct could currently customer customers date dear
    definitely delighted delivery description did disappointed disabled disgusted do does done down dutch email emailing
    english even everyone everybody everything exactly excellent excited expecting facing fed feeling few fine first
    following folks for free french friday friend from frustrated fully furious getting give glad going gone good
    goodbye got great had half happy has hate have having he hearing hello help helpful her here hi his hold home
    hopeful hoping how however i if impressed in indeed indian information interested irish is issue issues it italian
    japanese january february march july october september november december just keen korean last late later leaving
    left let like line listening live living locked looking lost lots made making man many mate mexican missing monday
    more morning most mostly moving much my name names new next nice no nobody none nope not note nothing now number of
    off offline ok okay old on one online only open or order ordering orders original other our out outraged over
    overcharged overseas paying perfect phone pleased please polish portuguese positive problem product pretty question
    quite ready really reading receiving regarding regards relieved replying representative request returning ridiculous
    right russian sad same satisfied saturday say saying seeing sending serious seriously she shocked short should sick
    simple sincerely since sir sitting so some somebody someone something soon sorry spanish speaking spelled spelt
    standing status still stuck subject sunday super supposed sure surprised swiss system talking team terrible thank
    thankful thanks that the their them then there these they this those thrilled through thursday tired to today
    together tomorrow tonight too total totally travelling traveling trying tuesday turkish typing unable unacceptable
    under understood unfortunately unhappy unlucky unsure until up upset urgent us used user using very waiting wanting
    was watching we wednesday welcome well were what when where which while who why wish with without wondering working
    worried worse would writing wrong yep yes yesterday yet you your yours address age agreement amount answer bank bill
    billing birthday brand card case cause code colour color company cost country day days deadline device error event
    file fix hours invoice item items language level location message method minutes model month months notes option
    password payment plan postcode price quantity reason receipt reference refund result room rooms route serial size
    step steps summary ticket time title tracking type update version warning website week weeks zip folks guys ladies
    gentlemen world evening afternoon night love cheers catholic muslim jewish buddhist hindu vegan vegetarian european
    african asian australian canadian scottish welsh german greek danish swedish norwegian finnish premium gold vip
    whoever sounds thats that's it's i'm i've i'll don't won't can't let's what's here's there's
""")
