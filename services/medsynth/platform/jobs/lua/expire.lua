-- count limit pause reason failure -> OK names...
local count, limit, pause = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local reason, failure = ARGV[6], ARGV[7]

local names = redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', digits(now()),
  'LIMIT', 0, count)
for _, name in ipairs(names) do
  local job = load_job(name)
  if job and HELD[job.state] then
    give_back(job, true, limit, pause, reason, failure)
  else
    redis.call('ZREM', PREFIX .. 'leases', name)
  end
end
return {'OK', ready, unpack(names)}
