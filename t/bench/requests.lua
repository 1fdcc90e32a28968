-- wrk's side of every scenario: requests of 1024 visitors in turn, so that
-- flags are decided for mixed contexts.  With an argument clients pause between
-- requests, for so many milliseconds on the average.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "figures.lua")

local visitors = 1024
local countries = { "de", "at", "ch", "fr", "us", "gb", "pl", "br" }
local requests = {}
local next_request = 0


function init(args)
    local pause = tonumber(args[1])

    if pause then
        function delay() return math.random(0, 2 * pause) end
    end

    for i = 1, visitors do
        requests[i] = wrk.format("GET", nil, {
            ["Cookie"] = "uid=user" .. i
                         .. "; plan=" .. (i % 3 == 0 and "pro" or "free"),
            ["X-Country"] = countries[i % #countries + 1],
            ["Accept"] = "*/*"
        })
    end
end


function request()
    next_request = next_request % visitors + 1
    return requests[next_request]
end
