-- Renews a process's lease, and takes those away who were present on processes that died.
-- ARGV: prefix, process, lease in ms, how many are taken away at most.
-- Answers two numbers: 1 if the lease held until now, else 0, and whatever this process said is to
-- be said again; and 1 if there is more to take away.
local prefix, process = ARGV[1], ARGV[2]
local leases = prefix .. ':presence-leases'
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('ZSCORE', leases, process)
local is_known = held and tonumber(held) >= now_ms
redis.call('ZADD', leases, string.format('%.0f', now_ms + ARGV[3]), process)
local dead = redis.call('ZRANGEBYSCORE', leases, '-inf', string.format('(%.0f', now_ms), 'LIMIT', 0, 2)
local has_more = #dead > 1
local gone = dead[1]
if gone then
  local theirs = prefix .. ':presence-of:' .. gone
  for _, of in ipairs(redis.call('SPOP', theirs, ARGV[4])) do
    local space = string.find(of, ' ')
    local group, mark = string.sub(of, 1, space - 1), string.sub(of, space + 1)
    local present = prefix .. ':presence:' .. group
    local entry, number = 'e:' .. gone .. ':' .. mark, 'n:' .. mark
    local was = redis.call('HGET', present, entry)
    if was and redis.call('HDEL', present, entry) == 1 then
      if redis.call('HINCRBY', present, number, -1) <= 0 then
        redis.call('HDEL', present, number)
        local told = string.sub(was, string.find(was, ':') + 1)
        redis.call('PUBLISH', prefix .. ':presence-events:' .. group, '-' .. told)
      end
    end
  end
  if redis.call('SCARD', theirs) == 0 then
    redis.call('ZREM', leases, gone)
  else
    has_more = true
  end
end
return { is_known and 1 or 0, has_more and 1 or 0 }
