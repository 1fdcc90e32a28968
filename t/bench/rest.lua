-- wrk's side of the REST scenario: what is asked, the API key, the number of
-- flags and the folder of the API come as arguments.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "figures.lua")

local countries = { "de", "at", "ch", "fr", "us", "gb", "pl", "br" }
local asked, key, flags, folder
local sent = 0


local function flag(i)
    return string.format("checkout_%02d", i % flags + 1)
end


local function attributes(i)
    return "country=" .. countries[i % #countries + 1]
           .. "&plan=" .. (i % 3 == 0 and "pro" or "free")
end


local ask = {
    get = function(i) return "GET", "/flags/" .. flag(i) end,

    list = function(i) return "GET", "/flags?limit=100" end,

    -- another rollout each time: a change of nothing would be no write
    patch = function(i)
        return "PATCH", "/flags/" .. flag(i),
               string.format('{"rollout": %.3f}', i % 99991 / 1000)
    end,

    evaluate = function(i)
        return "GET", "/evaluate/" .. flag(i) .. "?user_id=user" .. i % 1000
                      .. "&" .. attributes(i)
    end,

    user_flag = function(i)
        return "GET", "/users/user" .. i % 1000 .. "/flags/" .. flag(i)
                      .. "?" .. attributes(i)
    end,

    user_flags = function(i)
        return "GET", "/users/user" .. i % 1000 .. "/flags?" .. attributes(i)
    end
}


function init(args)
    asked, key, flags, folder = args[1], args[2], tonumber(args[3]), args[4]
    sent = math.random(99991)
end


function request()
    local method, path, body = ask[asked](sent)

    sent = sent + 1

    return wrk.format(method, folder .. path, {
        ["X-API-Key"] = key,
        ["Content-Type"] = body and "application/json"
    }, body)
end
