-- name attempt state field value -> OK state | LOST
--   state, field: SUCCEEDED and result, or FAILED and error
local name, attempt, state, field, value = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local job = load_job(name)
-- The worker repeats itself because it did not see the answer.
if job and job.attempt == attempt and ENDED[job.state] then
  return {'OK', ready, job.state}
end
if not holds(job, attempt) then
  return {'LOST', ready}
end
if state == 'FAILED' and job.state == 'CANCELLING' then
  end_job(job, 'CANCELLED', '')
else
  redis.call('HSET', job.key, field, value)
  end_job(job, state, '')
end
return {'OK', ready, job.state}
