#!/bin/sh
# picocli 4.7.7 (seen 2026-11-30, JDK 25): in a group of options that exclude nothing (@ArgGroup(validate = false) or
# exclusive = false), giving one option a second time makes a NEW object of the group. All options of the group that were
# given before are back at their defaults, without a word and with exit code 0, also where setOverwrittenOptionsAllowed(true)
# says that the last one wins. A group of multiplicity "0..1" does the same as one of "1".
#
# Output seen: "seed=3 seqlen=36", then "seed=10 seqlen=12" where --seqlen was given twice.
# Cost: a script that appends an option to a stored command runs with other settings than it says.
# What it became: options lie in plain objects that a group is built over (cli/Sections), and a test gives every option of
# every command twice.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=info.picocli:picocli:4.7.7 -DoutputDirectory="$folder"
cat > Twice.java <<'JAVA'
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "twice")
class Twice implements Runnable {
    static class Data {
        @Option(names = "--seed") int seed = 10;
        @Option(names = "--seqlen") int length = 2048;
    }

    @ArgGroup(validate = false, heading = "Data:%n")
    Data data = new Data();

    public void run() {
        System.out.println("seed=" + data.seed + " seqlen=" + data.length);
    }

    static int run(String... arguments) {
        return new CommandLine(new Twice()).setOverwrittenOptionsAllowed(true).execute(arguments);
    }

    public static void main(String[] none) {
        System.exit(run("--seed", "3", "--seqlen", "36") + run("--seed", "3", "--seqlen", "36", "--seqlen", "12"));
    }
}
JAVA
java=${JAVA25_HOME:+$JAVA25_HOME/bin/}java
seen=$("$java" -cp picocli-4.7.7.jar Twice.java)
echo "$seen"
[ "$seen" = "seed=3 seqlen=36
seed=10 seqlen=12" ] || { echo "picocli behaves differently now"; exit 1; }
