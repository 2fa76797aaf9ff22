# The trace of a seed, twice: every event and every decision must come again.
foreach(run 1 2)
  execute_process(COMMAND ${SIM} --seed ${SEED} --trace
    OUTPUT_FILE ${DIR}/seed_${SEED}_${run}.txt RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "seed ${SEED} ended with ${code}: see ${DIR}/seed_${SEED}_${run}.txt")
  endif()
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files
  ${DIR}/seed_${SEED}_1.txt ${DIR}/seed_${SEED}_2.txt RESULT_VARIABLE differ)
if(differ)
  message(FATAL_ERROR "two runs of seed ${SEED} differ")
endif()
file(STRINGS ${DIR}/seed_${SEED}_1.txt starts REGEX "^  start")
list(LENGTH starts count)
if(count LESS 1000)
  message(FATAL_ERROR "the trace shows only ${count} starts")
endif()
