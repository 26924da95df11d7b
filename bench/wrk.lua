-- wrk's side of the benchmarks: GETs; with `-- post <JSON>` POSTs of it; with `-- buy <tag> <event>...` orders
-- of one event after the other, each by somebody else at an address of their own.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

function init(args)
  what, count = args[1], 0
  if what then wrk.method, wrk.headers["Content-Type"] = "POST", "application/json" end
  if what == "post" then wrk.body = args[2] end
  if what == "buy" then
    tag, events = args[2], {unpack(args, 3)}
    math.randomseed(id + tonumber(tag:sub(1, 6), 16))
  end
end

function request()
  if what ~= "buy" then return wrk.format() end
  count = count + 1
  local byte = function() return math.random(0, 255) end
  wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", byte(), byte(), byte())
  return wrk.format(nil, nil, nil, string.format(
    '{"event_id": %s, "quantity": 1, "email": "%s-%d-%d@example.com", "name": "B"}',
    events[count % #events + 1], tag, id, count))
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
