# Makes two runs of one command comparable: what the program printed comes in, the same comes out with
# everything that may differ between runs replaced. Input lines "#NAME" start the section of that name;
# sections "out" and "err" (what the command printed) go to the file OUT, all others (the
# lists of the store, in no promised order) to the file STATE, sorted.
#
#   awk -v known=FILE -v state=FILE -v out=FILE -f state.awk
#
# FILE known: one word a line, the ids, times and keys of the starting store; they stay as they are.
# Plain POSIX awk; mawk knows no {n} in patterns, hence the lengths.

function placeholder(word) {
    if (word in kept)
        return word
    if (length(word) == 36 && word !~ /[^0-9a-f-]/ && substr(word, 9, 1) == "-")
        return "<id>"
    if (word ~ /^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T/)
        return "<time>"
    if (word ~ /^smg_/)
        return "<key>"
    if (length(word) >= 32 && word !~ /[^0-9a-f]/)
        return "<hash>"
    gsub(/20[0-9]+T[0-9]+\.[0-9]+/, "<stamp>", word) # in the names of files
    return word
}

BEGIN {
    FS = "[\" ]+"
    while ((getline word < known) > 0)
        kept[word] = 1
    printf "" > state
    printf "" > out
}

/^#/ {
    section = substr($0, 2)
    next
}

{
    line = section
    for (i = 1; i <= NF; i++) {
        word = $i
        tail = ""
        if (match(word, /[.,;:]+$/)) {
            tail = substr(word, RSTART)
            word = substr(word, 1, RSTART - 1)
        }
        line = line " " placeholder(word) tail
    }
    if (section == "out" || section == "err") {
        print line > out
        next
    }
    # a place in the sorted list; the lists of this test are short
    for (at = ++lines; at > 1 && sorted[at - 1] > line; at--)
        sorted[at] = sorted[at - 1]
    sorted[at] = line
}

END {
    for (at = 1; at <= lines; at++)
        print sorted[at] > state
}
