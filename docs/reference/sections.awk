# Makes groups of Doxygen of the sections of llmq.h, for its FILTER_PATTERNS. What a section says of itself becomes the text
# of its group. Lines stay where they are, so that warnings name the right ones. "@return Nothing." is for people: Doxygen
# complains of it.
/^\/\* ----------/ { title = 1; print (open ? "/**@}*/" : ""); next }
title == 1 { sub(/^ \* /, ""); print "/** @name " $0; title = 2; open = 1; next }
title == 2 && /^ \* -----/ { print " */ /**@{*/"; title = 0; next }
/^#ifdef __cplusplus$/ && open { print "/**@}*/"; open = 0; next }
/^} \/\* extern "C" \*\/$/ { print ""; closed = 1; next }
closed == 1 && /^#endif$/ { print ""; closed = 2; next }
/^ \* @return Nothing\.$/ { print " *"; next }
{ print }
