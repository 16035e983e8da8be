-- Sends the requests of a file, one after the other and then again, and counts what is answered.
--
-- Arguments: file, limit, run. The file holds whole HTTP requests, a NUL between two of them; @KEY@ in one becomes a
-- key that nobody used before, which begins with `run`. After `limit` requests the run ends by itself, unless it is 0.

local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")

local INTERRUPT = 2
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   local content = file:read("*a")
   file:close()
   limit, run = tonumber(args[2]), args[3]
   heads, tails, sent, statuses = {}, {}, 0, {}
   for request in content:gmatch("[^%z]+") do
      local before, after = request:match("^(.-)@KEY@(.*)$")
      table.insert(heads, before or request)
      table.insert(tails, after or false)
   end
end

function request()
   if limit > 0 and sent >= limit then
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), INTERRUPT) -- else wrk itself would sleep to the end of its duration
      return "GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n" -- something must be sent, and nobody waits for its answer
   end
   local number = sent % #heads + 1
   sent = sent + 1
   local tail = tails[number]
   if tail then
      return heads[number] .. run .. sent .. tail
   end
   return heads[number]
end

function response(status)
   statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
   local counts = {}
   for _, thread in ipairs(threads) do
      for status, count in pairs(thread:get("statuses")) do
         table.insert(counts, string.format('"%d": %d', status, count))
      end
   end
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "socket_errors": %d, "statuses": {%s}}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.timeout, table.concat(counts, ", ")
   ))
end
