-- wrk's side of the benchmarks: GETs, or with `-- <event> <tag>` orders, each by somebody else.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

function init(args)
  event, tag, count = args[1], args[2], 0
  if event then
    wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
  end
end

function request()
  if not event then return wrk.format() end
  count = count + 1
  return wrk.format(nil, nil, nil, string.format(
    '{"event_id": %s, "quantity": 1, "email": "%s-%d-%d@example.com", "name": "B"}', event, tag, id, count))
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
