"""How summaries are put, in the notation of ``grammar``; data.

``{who}`` is the customer, ``{agent}`` whoever helped; the rest comes from the situation. A capital asks for one.
"""

from sandbox.chat_parts.grammar import read_lines

_TEXT = """
style: {who} {problem}. {agent} [<found|finds>|<explained|explains>|<saw|sees>] that {cause} and {does}.
style: {who} {problem}. As {cause}, {agent} {does}.
style: {who} {problem}. {Cause}; {agent} {does}.
style: {who} [<contacted|contacts> support|<got|gets> in touch|<wrote|writes>] about {title}. [It <turned|turns>
    out|It <was|is> established] that {cause}, so {agent} {does}.
style: {Title}: {cause}. {agent} {does}.
style: {who} {problem}, and {agent} {does} [after finding|after explaining] that {cause}.
style: The chat [<was|is> about|<concerned|concerns>|<dealt|deals> with] {title}. {agent} <explained|explains> that
    {cause}, then {does}.
style: {Title}. Cause: {cause}. Outcome: {agent} {does}.
style: {who} {problem}. [Checking|A look at] the records <showed|shows> that {cause}. {agent} {does}.
style: {who} {problem}; the reason <was|is> that {cause}. [To solve this|As a result|Therefore], {agent} {does}.
style: {agent} <handled|handles> {title}, <explained|explains> that {cause} and {does}.
style: {who} [<came|comes> with|<raised|raises>] a question about {title} and [<was|is> told|<learned|learns>] that
    {cause}. {agent} {does}.
style: [In|During|After] a chat about {title}, {agent} {does}. The [reason given|explanation] <was|is> that {cause}.
style: [Request|Issue|Topic]: {title}. {agent} <looked|looks> into it, [<found|finds>|<noted|notes>] that {cause} and
    {does}.
style: {who} {problem}. [The reason|The cause] <was|is> that {cause}. In the end {agent} {does}.
aside: {Who} also <asked|asks> about {aside}.
aside: {Aside} <was|is> also discussed.
aside: A second question <concerned|concerns> {aside}.
aside: Besides, {aside} <came|comes> up.
customer: [the customer|the customer|a customer|the client|the user]
agent: [the agent|the agent|support|the advisor|customer service|the representative]
named: {full}
named: {title_name} {family}
named: {full} ({title_name})
named: customer {full}
named: {first}
named: {full}, {contact},
named: {title_name} {family} ({contact})
filed: {full}: {told}
filed: {told} Customer: {full}.
filed: {told} [Spoke|Chatted] with {title_name} {family}.
filed: [Chat with|Case of|Re] {full}. {told}
filed: {told} {first} was informed.
noted: [Contact|On file]: {contact}.
noted: [Verified by|Follow-up to] {contact}.
noted: ({contact})
contact phone: [phone|tel.|mobile] {phone}
contact email: [e-mail |]{email}
contact address: [home address|address] {address}
contact number: {number_name} {number}
contact card: [card|card number] {card}
"""
SUMMARY_PHRASES = read_lines(_TEXT)
