# Writes a C++ source holding the text of every file of INPUTS, by file name without extension.
set(entries "")
foreach(input ${INPUTS})
  get_filename_component(name ${input} NAME_WE)
  file(READ ${input} text)
  string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"embedded.hpp\"

namespace spikesweep {

std::span<const embedded_config> embedded_configs() {
  static const embedded_config configs[] = {
${entries}  };
  return configs;
}

}  // namespace spikesweep
")
