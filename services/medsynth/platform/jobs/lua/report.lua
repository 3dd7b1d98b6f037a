-- name attempt field value -> OK | LOST        field: progress or message
local name, attempt, field, value = ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local job = load_job(name)
if not holds(job, attempt) then
  return {'LOST', ready}
end
if field == 'progress' then
  redis.call('HSET', job.key, 'progress', value)
end
add_event(job, field, value)
return {'OK', ready}
