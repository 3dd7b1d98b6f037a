-- name attempt counted limit pause reason failure -> OK state | LOST
local name, attempt, counted, limit = ARGV[3], ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local pause, reason, failure = tonumber(ARGV[7]), ARGV[8], ARGV[9]

local job = load_job(name)
if not holds(job, attempt) then
  return {'LOST', ready}
end
give_back(job, counted, limit, pause, reason, failure)
return {'OK', ready, job.state}
