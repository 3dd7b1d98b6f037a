-- name attempt lease -> OK state | LOST
local name, attempt, lease = ARGV[3], ARGV[4], tonumber(ARGV[5])

local job = load_job(name)
if not holds(job, attempt) then
  return {'LOST', ready}
end
redis.call('ZADD', PREFIX .. 'leases', now() + lease, name)
return {'OK', ready, job.state}
