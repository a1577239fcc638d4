-- Takes the oldest messages out of queues, all at one moment, so that their scores tell in which
-- order each sender sent them.
-- KEYS: queues. ARGV: how many of each. Answers for each queue its messages and scores.
local popped = {}
for i, queue in ipairs(KEYS) do
  popped[i] = redis.call('ZPOPMIN', queue, ARGV[1])
end
return popped
