-- name -> OK state | MISSING
local job = load_job(ARGV[3])
if not job then
  return {'MISSING', ready}
end
cancel_job(job, 'cancelled')
return {'OK', ready, job.state}
