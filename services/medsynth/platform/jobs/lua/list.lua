-- kind before count bytes state... -> OK {name {field value ...}}... more        newest first
--   before  `+inf`, or `(` and the sequence number that the page follows
--   bytes   the page ends before the job with which it would be larger, save for its first
--   more    1 if there are jobs after it, else 0
local kind, before, count, bytes = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])

local found = {}
for argument = 7, #ARGV do
  local key = index_key(kind, ARGV[argument])
  local rows = redis.call('ZREVRANGEBYSCORE', key, before, '-inf', 'WITHSCORES', 'LIMIT', 0,
    count + 1)
  for row = 1, #rows, 2 do
    table.insert(found, {name = rows[row], sequence = tonumber(rows[row + 1])})
  end
end
table.sort(found, function(left, right) return left.sequence > right.sequence end)
local page, size = {}, 0
for row = 1, math.min(count, #found) do
  local fields = redis.call('HGETALL', job_key(found[row].name))
  for value = 2, #fields, 2 do
    size = size + #fields[value]
  end
  if row > 1 and size > bytes then
    break
  end
  page[row] = {found[row].name, fields}
end
return {'OK', ready, page, #found > #page and 1 or 0}
