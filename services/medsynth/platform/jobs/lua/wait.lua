-- name attempt {name kind queue specification share_key}... -> OK state | LOST
local name, attempt = ARGV[3], ARGV[4]

local job = load_job(name)
if not holds(job, attempt) then
  return {'LOST', ready}
end
if job.state == 'CANCELLING' then
  end_job(job, 'CANCELLED', '')
  return {'OK', ready, job.state}
end
drop_lease(job)
local children = cjson.decode(redis.call('HGET', job.key, 'children') or '[]')
for first = 5, #ARGV, 5 do
  local child_name, kind, queue = ARGV[first], ARGV[first + 1], ARGV[first + 2]
  local specification, share_key = ARGV[first + 3], ARGV[first + 4]
  local child = shared_job(kind, share_key)
    or create_job(child_name, kind, queue, specification, share_key, '', name, '0')
  redis.call('SADD', job_key(child.name, 'waiters'), name)
  redis.call('SADD', job_key(child.name, 'parents'), name)
  redis.call('SADD', job_key(name, 'pending'), child.name)
  local known = false
  for _, other in ipairs(children) do
    known = known or other == child.name
  end
  if not known then
    table.insert(children, child.name)
    note_reached(job, 'children', #children)
  end
end
redis.call('HSET', job.key, 'children', cjson.encode(children))
move(job, 'WAITING', '')
return {'OK', ready, job.state}
