# Waits by class: 900 requests submitted at once, their priorities mixed.
set terminal svg size 700,420 font "sans-serif,13" background "white"
set output image
set title "Wait of 900 requests submitted at once, 300 per 6 s, by priority"
set ylabel "seconds"
set yrange [0:*]
set style data histograms
set style histogram clustered gap 1
set style fill solid
set grid ytics lc rgb "#dddddd"
set key outside bottom center horizontal
plot data using 2:xtic(1) lc rgb "#1f4e9c" title "median", \
  data using 3 lc rgb "#7aa6d8" title "90 %", \
  data using 4 lc rgb "#c5d8ee" title "longest"
