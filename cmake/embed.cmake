# sagelet_embed(TARGET FILE...) compiles text files in: foo/bar.py becomes the constant sagelet::embedded::bar_py of
# "<folder of the target>/embedded/bar_py.hpp". A program that carries its data has none to lose or to find.
function(sagelet_embed TARGET)
  file(RELATIVE_PATH room ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    get_filename_component(name ${file} NAME)
    string(MAKE_C_IDENTIFIER ${name} EMBEDDED_NAME)
    file(READ ${file} EMBEDDED_TEXT)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/embed.hpp.in
                   ${CMAKE_BINARY_DIR}/generated/${room}/embedded/${EMBEDDED_NAME}.hpp @ONLY)
  endforeach()
  target_include_directories(${TARGET} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
