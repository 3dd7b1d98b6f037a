-- name attempt field value [series done] -> OK | LOST
--   field         progress or message
--   series, done  of progress: unit and phase, and how far it is
local name, attempt, field, value = ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local job = load_job(name)
if not holds(job, attempt) then
  return {'LOST', ready}
end
if field == 'progress' then
  redis.call('HSET', job.key, 'progress', value)
  note_reached(job, ARGV[7], tonumber(ARGV[8]))
end
add_event(job, field, field, value)
return {'OK', ready}
