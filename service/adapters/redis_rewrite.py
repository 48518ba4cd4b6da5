"""Writing the inbox anew: what is deleted from a stream stays in its memory and on disk until its neighbours go too.

The stream is copied entry by entry, with its ids, its group and who has what, and then takes its own place, all in one
script: workers and web notice nothing but a pause, of about a second for a hundred thousand deliveries.
"""

from collections.abc import Mapping
from typing import cast

from redis import Redis

from service.domain.deliveries import Delivery

# KEYS: stream, and a name for the copy. ARGV: id, key and body of each delivery that changes. Gives their number.
SCRIPT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local changed = {}
for i = 1, #ARGV, 3 do changed[ARGV[i]] = {ARGV[i + 1], ARGV[i + 2]} end
redis.call('DEL', KEYS[2])
local copied, begin = 0, '-'
while true do
  local page = redis.call('XRANGE', KEYS[1], begin, '+', 'COUNT', 1000)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local fields, new = entry[2], changed[entry[1]]
    for i = 1, #fields, 2 do
      if new and fields[i] == 'key' then fields[i + 1] = new[1] end
      if new and fields[i] == 'body' then fields[i + 1] = new[2] end
    end
    redis.call('XADD', KEYS[2], entry[1], unpack(fields))
    if new then copied = copied + 1 end
  end
  begin = '(' .. page[#page][1]
end
local function facts(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local name, last = facts(group)['name'], facts(group)['last-delivered-id']
  redis.call('XGROUP', 'CREATE', KEYS[2], name, last, 'MKSTREAM')
  local from = '-'
  while true do
    local page = redis.call('XPENDING', KEYS[1], name, from, '+', 1000)
    if #page == 0 then break end
    for _, item in ipairs(page) do
      local id, owner, idle, tries = unpack(item)
      redis.call('XCLAIM', KEYS[2], name, owner, 0, id, 'IDLE', idle, 'RETRYCOUNT', tries, 'FORCE', 'JUSTID')
    end
    from = '(' .. page[#page][1]
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('XSETID', KEYS[2], facts(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id'])
  redis.call('RENAME', KEYS[2], KEYS[1])
else
  redis.call('DEL', KEYS[1])
end
return copied
"""


def rewrite_stream(redis: "Redis", stream: str, changed: Mapping[str, Delivery]) -> int:
    """Write a stream anew, with other deliveries under these ids; gives how many of those were still there."""
    arguments: list[str | bytes] = []
    for entry_id, delivery in changed.items():
        arguments += (entry_id, delivery.key, delivery.body)
    return int(cast("int", redis.eval(SCRIPT, 2, stream, f"{stream}:rewritten", *arguments)))
