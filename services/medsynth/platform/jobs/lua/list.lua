-- kind before count state... -> OK {name {field value ...}}...        newest first
--   before  `+inf`, or `(` and the sequence number that the page follows
local kind, before, count = ARGV[3], ARGV[4], tonumber(ARGV[5])

local found = {}
for argument = 6, #ARGV do
  local key = index_key(kind, ARGV[argument])
  local rows = redis.call('ZREVRANGEBYSCORE', key, before, '-inf', 'WITHSCORES', 'LIMIT', 0, count)
  for row = 1, #rows, 2 do
    table.insert(found, {name = rows[row], sequence = tonumber(rows[row + 1])})
  end
end
table.sort(found, function(left, right) return left.sequence > right.sequence end)
local page = {}
for row = 1, math.min(count, #found) do
  page[row] = {found[row].name, redis.call('HGETALL', job_key(found[row].name))}
end
return {'OK', ready, page}
