-- queue count -> OK names...        jobs whose announcement is due; due again later
local key, count = PREFIX .. 'unclaimed:' .. ARGV[3], ARGV[4]

local time = now()
local names = redis.call('ZRANGEBYSCORE', key, '-inf', digits(time), 'LIMIT', 0, count)
for _, name in ipairs(names) do
  redis.call('ZADD', key, time + ANNOUNCE, name)
end
return {'OK', ready, unpack(names)}
