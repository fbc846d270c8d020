#!/bin/sh
# picocli 4.7.7 (seen 2026-11-30, JDK 25): AutoComplete.bash numbers the variables of its script by String.format in the
# default locale. Where that has digits of its own (ar-EG, fa-IR, mr-IN ...) the script has lines such as "local cmds٠=(demo)",
# which bash refuses, so that sourcing it is a syntax error and nothing completes.
#
# Output seen: bash takes the script made under en-US, and not the one made under ar-EG.
# Cost: "come completion bash" was useless to users in these countries; makers of a package there would ship it broken.
# What it became: the script is made in the root locale (cli/CompletionCommand), and a test makes it under an Arabic one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=info.picocli:picocli:4.7.7 -DoutputDirectory="$folder"
cat > Complete.java <<'JAVA'
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(name = "outer", subcommands = Complete.Inner.class)
class Complete {
    @Command(name = "inner")
    static class Inner {
    }

    public static void main(String[] none) {
        System.out.print(AutoComplete.bash("outer", new CommandLine(new Complete())));
    }
}
JAVA
java=${JAVA25_HOME:+$JAVA25_HOME/bin/}java
seen=
for locale in "en US" "ar EG"; do
    "$java" -Duser.language="${locale% *}" -Duser.country="${locale#* }" -Dstdout.encoding=UTF-8 -cp picocli-4.7.7.jar \
        Complete.java > script
    if bash -n script 2> /dev/null; then seen="$seen$locale: taken; "; else seen="$seen$locale: syntax error; "; fi
done
echo "$seen"
[ "$seen" = "en US: taken; ar EG: syntax error; " ] || { echo "picocli behaves differently now"; exit 1; }
