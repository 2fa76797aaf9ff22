# Load against limit over time: each point is what the provider accepted in the period before it.
set terminal svg size 900,420 font "sans-serif,13" background "white"
set output image
set title "Accepted by the provider within the last 6 s (sliding windows, 800 requests)"
set xlabel "seconds since the first call"
set ylabel "% of the limit"
set yrange [0:110]
set xrange [0:*]
set grid ytics lc rgb "#dddddd"
set key outside bottom center horizontal
plot 100 with lines lw 2 dt 2 lc rgb "#b00020" title "limit", \
  data using 1:3 with lines lw 2 lc rgb "#1f4e9c" title "tokens, 60,000 per 6 s", \
  data using 1:2 with lines lw 2 lc rgb "#7aa6d8" title "requests, 300 per 6 s"
