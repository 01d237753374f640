-- What wrk does beside asking: with two arguments, PREFIX and COUNT, it asks for PREFIX0, PREFIX1, …
-- in turn; and at its end it prints one line for the program that started it.

function init(args)
  local prefix, count = args[1], tonumber(args[2])
  if not count then return end
  local requests, last = {}, -1
  for number = 0, count - 1 do
    requests[number] = wrk.format("GET", prefix .. number)
  end
  -- Where this is defined, wrk calls it for every request.
  request = function()
    last = (last + 1) % count
    return requests[last]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("peers %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), broken, errors.status))
end
