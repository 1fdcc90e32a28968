-- What each of wrk's scripts here says at its end: the figures, in a form that
-- needs no guessing.

function done(summary, latency)
    local e = summary.errors

    io.write(string.format(
        "requests=%d\nduration=%d\nerrors=%d\np50=%d\np99=%d\n",
        summary.requests, summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
