#!/bin/sh
# org.apache.maven.plugins:maven-jar-plugin 3.5.0 with a toolchain (seen 2026-11-30, Maven 3.8.7 on Java 17, toolchain JDK 25):
# the jar of a project with a module-info.java is finished by the jar tool of the Java that RUNS Maven, not by that of the
# toolchain which compiled it. If the module descriptor is of a newer class file version, the build fails at the last step
# with "The JDK jar tool exited with 1", while compiler and tests, which do use the toolchain, pass. The plugin even logs that
# it took the toolchain (for the manifest's Build-Jdk-Spec alone).
#
# Output seen: "release 25: fails, release 17: passes"
# Cost: a green test run, and no jar, wherever Maven runs on an older Java than the project needs.
# What it became: module-info.java is compiled once more, for Java 17 (pom.xml, execution module-info).
#
# Needs Maven on a Java below 25, and JAVA25_HOME.
set -eu
: "${JAVA25_HOME:?set it to a JDK 25}"
mvn -v | grep -q "Java version: 25" && { echo "Maven runs on Java 25 here, so nothing can be seen"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src/main/java/one
echo 'module one { exports one; }' > src/main/java/module-info.java
echo 'package one; public class One { }' > src/main/java/one/One.java
cat > toolchains.xml <<XML
<toolchains><toolchain><type>jdk</type><provides><version>25</version></provides>
<configuration><jdkHome>$JAVA25_HOME</jdkHome></configuration></toolchain></toolchains>
XML
cat > pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion><groupId>one</groupId><artifactId>one</artifactId><version>1</version>
  <properties><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
  <build><plugins>
    <plugin><artifactId>maven-toolchains-plugin</artifactId><version>3.2.0</version>
      <executions><execution><goals><goal>toolchain</goal></goals></execution></executions>
      <configuration><toolchains><jdk><version>25</version></jdk></toolchains></configuration></plugin>
    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.14.1</version>
      <configuration><release>${wanted}</release></configuration></plugin>
    <plugin><artifactId>maven-jar-plugin</artifactId><version>3.5.0</version></plugin>
  </plugins></build>
</project>
XML
outcome() {
    if mvn -q -B -t toolchains.xml -Dwanted="$1" clean package >log 2>&1; then echo passes
    elif grep -q "JDK jar tool exited with 1" log; then echo fails
    else tail -n 20 log; echo "fails otherwise"; fi
}
seen="release 25: $(outcome 25), release 17: $(outcome 17)"
echo "$seen"
[ "$seen" = "release 25: fails, release 17: passes" ] || { echo "the plugin behaves differently now"; exit 1; }
