#!/bin/sh
# org.bytedeco:pytorch 2.10.0-1.5.13 (seen 2026-11-30, JDK 25, linux-x86_64): Tensor.scalar_type() gives a new object of the
# Java enum ScalarType at every call. So tensor.scalar_type() == ScalarType.Float is false for a float32 tensor, and
# a.scalar_type() == b.scalar_type() is false for any two; equals() is Object's for an enum, so it is false too. What holds is
# .value, or .intern(). A switch over the enum, EnumMap and EnumSet take the object for none of the constants.
#
# Output seen: "== false, equals false, value true, intern true"
# Cost: a check that should look only at rounded tensors looked at all, read all weights once more, and told the wrong reason.
# What it became: stack/LayerStore compares .value.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for artifact in org.bytedeco:pytorch:2.10.0-1.5.13 org.bytedeco:pytorch:2.10.0-1.5.13:jar:linux-x86_64 \
    org.bytedeco:openblas:0.3.31-1.5.13 org.bytedeco:openblas:0.3.31-1.5.13:jar:linux-x86_64 \
    org.bytedeco:javacpp:1.5.13 org.bytedeco:javacpp:1.5.13:jar:linux-x86_64; do
    mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$folder"
done
cat > Enums.java <<'JAVA'
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

class Enums {
    public static void main(String[] none) {
        Tensor tensor = torch.zeros(new long[]{2});
        ScalarType type = tensor.scalar_type();
        System.out.println("== " + (type == ScalarType.Float) + ", equals " + type.equals(ScalarType.Float) + ", value "
                + (type.value == ScalarType.Float.value) + ", intern " + (type.intern() == ScalarType.Float));
    }
}
JAVA
java=${JAVA25_HOME:+$JAVA25_HOME/bin/}java
seen=$("$java" --enable-native-access=ALL-UNNAMED -Dorg.bytedeco.javacpp.cachedir="$folder/natives" -cp "*" Enums.java)
echo "$seen"
[ "$seen" = "== false, equals false, value true, intern true" ] || { echo "the binding behaves differently now"; exit 1; }
