# llmq beside its peers: share of calls refused, calls lost and time over ideal, per shape of the provider's limits.
set terminal svg size 1300,960 font "sans-serif,13" background "white"
set output image
set datafile missing "?"
set style data histograms
set style histogram clustered gap 1.5
set style fill solid
set grid ytics lc rgb "#dddddd"
array names[7] = ["llmq", "p-limit", "Bottleneck", "p-queue", "p-queue, cap by hand", "aiolimiter", "LiteLLM"]
array colours[7] = ["#b00020", "#1f4e9c", "#4f81bd", "#7f7f7f", "#bfbfbf", "#2e7d32", "#c9a227"]
set lmargin 8
set rmargin 30
set bmargin 4
set multiplot layout 3,1
set title "429s in % of all calls"
set yrange [0:*]
set key outside right top vertical Left reverse
plot for [i=1:7] data using (column(i+1)):xtic(1) lc rgb colours[i] title names[i]
unset key
set title "calls lost, of 800"
plot for [i=1:7] data using (column(i+8)):xtic(1) lc rgb colours[i] notitle
set title "last accepted call over ideal"
set yrange [0.9:*]
plot for [i=1:7] data using (column(i+15)):xtic(1) lc rgb colours[i] notitle
unset multiplot
