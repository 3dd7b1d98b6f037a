-- name kind queue specification digest request_id share_key -> OK name | REUSED name
local name, kind, queue, specification = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local digest, request_id, share_key = ARGV[7], ARGV[8], ARGV[9]

-- The caller repeats itself because it did not see the answer.
if redis.call('EXISTS', job_key(name)) == 1 then
  return {'OK', ready, name}
end
local request_key = PREFIX .. 'request:' .. kind .. ':' .. request_id
if request_id ~= '' then
  local known = redis.call('GET', request_key)
  if known then
    local known_name, known_digest = string.match(known, '^(%S+) (%S+)$')
    return {known_digest == digest and 'OK' or 'REUSED', ready, known_name}
  end
end
local job = shared_job(kind, share_key)
if job then
  redis.call('HSET', job.key, 'own', 1)
else
  job = create_job(name, kind, queue, specification, share_key, request_id, '', '1')
end
if request_id ~= '' then
  redis.call('SET', request_key, job.name .. ' ' .. digest)
  redis.call('SADD', job_key(job.name, 'requests'), request_key)
end
return {'OK', ready, job.name}
