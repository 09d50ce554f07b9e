# The line through the samples of the second half, and what it grows in that time. Growing: by more
# than a tenth of what there is and more than 4 MiB, or 16 of the others. Under a sanitizer, which
# keeps what was freed, memory is only told. Samples: seconds, KiB resident, descriptors, threads,
# children.
{ line[NR] = $0 }
# The mean of a column from one sample to another.
function mean(column, from, to,   i, part, sum) {
    for (i = from; i <= to; i++) {
        split(line[i], part, "\t")
        sum += part[column]
    }
    return to >= from ? sum / (to - from + 1) : 0
}
function judge(column, name, least,   i, n, x, y, sx, sy, sxx, sxy, slope, grown, part, first, peak, spread) {
    for (i = int(NR / 2) + 1; i <= NR; i++) {
        split(line[i], part, "\t"); x = part[1]; y = part[column]
        n++; sx += x; sy += y; sxx += x * x; sxy += x * y
        if (n == 1) first = x
        if (y > peak) peak = y
    }
    spread = n * sxx - sx * sx
    slope = spread ? (n * sxy - sx * sy) / spread : 0
    grown = slope * (x - first)
    printf "%-12s by quarters %.0f %.0f %.0f %.0f, most %.0f; second half: %+.0f by its line, %+.1f an hour\n",
           name ":", mean(column, 1, int(NR / 4)), mean(column, int(NR / 4) + 1, int(NR / 2)),
           mean(column, int(NR / 2) + 1, int(NR * 3 / 4)), mean(column, int(NR * 3 / 4) + 1, NR),
           peak, grown, slope * 3600
    return grown > least && grown > sy / n / 10
}
END {
    growing = judge(2, "KiB resident", 4096)
    bad = ENVIRON["SMG_SANITIZE"] ? 0 : growing
    bad += judge(3, "descriptors", 16)
    bad += judge(4, "threads", 16)
    bad += judge(5, "children", 16)
    exit (bad > 0 || NR < 2)
}
