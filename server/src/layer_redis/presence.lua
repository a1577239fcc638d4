-- Says who is present on channels of one process, or no more.
-- ARGV: prefix, process, lease in ms, then for each: group, mark of the id, and what is told of it
-- (empty: not present any more).
-- Keys are made of the prefix here: one group's presence is on one host.
-- Answers 1 if the process's lease held until now, as its beat does. What is said here makes it
-- anew, so the next beat would not see that Redis had forgotten it.
local prefix, process = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local stamp = string.format('%.0f', time[1] * 1000000 + time[2])
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local leases = prefix .. ':presence-leases'
local held = redis.call('ZSCORE', leases, process)
local is_known = held and tonumber(held) >= now_ms
redis.call('ZADD', leases, string.format('%.0f', now_ms + ARGV[3]), process)
local mine = prefix .. ':presence-of:' .. process
for i = 4, #ARGV, 3 do
  local group, mark, told = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local present = prefix .. ':presence:' .. group
  local events = prefix .. ':presence-events:' .. group
  local entry, number = 'e:' .. process .. ':' .. mark, 'n:' .. mark
  if told ~= '' then
    if redis.call('HSET', present, entry, stamp .. ':' .. told) == 1 then
      redis.call('SADD', mine, group .. ' ' .. mark)
      if redis.call('HINCRBY', present, number, 1) == 1 then
        redis.call('PUBLISH', events, '+' .. told)
      end
    end
  else
    local was = redis.call('HGET', present, entry)
    redis.call('SREM', mine, group .. ' ' .. mark)
    if was and redis.call('HDEL', present, entry) == 1 then
      if redis.call('HINCRBY', present, number, -1) <= 0 then
        redis.call('HDEL', present, number)
        redis.call('PUBLISH', events, '-' .. string.sub(was, string.find(was, ':') + 1))
      end
    end
  end
end
return is_known and 1 or 0
