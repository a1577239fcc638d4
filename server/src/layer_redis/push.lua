-- Puts a message into queues that have room. Answers how many had none.
-- KEYS: queues. ARGV: score, score of the oldest that is kept, expiry in seconds, then for each
-- queue its capacity and the message's bytes.
local full = 0
for i, queue in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', queue, '-inf', ARGV[2])
  if redis.call('ZCARD', queue) < tonumber(ARGV[2 * i + 2]) then
    redis.call('ZADD', queue, ARGV[1], ARGV[2 * i + 3])
    redis.call('EXPIRE', queue, ARGV[3])
  else
    full = full + 1
  end
end
return full
