#!/bin/sh
# Apache Spark 4.2.0, spark-core_2.13 (seen 2026-12-01, JDK 25): SparkContext.addFile of a symbolic link sends the file under the
# name of the link's target, and SparkFiles.get(name of the link) is a path at which nothing lies. No call fails. So a caller
# cannot give files names of their own with links, as one would for two models that both have a model.safetensors; and files of
# the Hugging Face cache, where config.json is a link to a blob that is named after its hash, arrive under their hashes.
#
# Output seen: "by the link's name false, by the target's name true, other.txt"
# Cost: executors found no config.json in a model whose files were sent under names of their own.
# What it became: --ship-model (spark/ShippedModel) sends the targets, and tells executors what each file of the model is called.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>x</groupId><artifactId>x</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.apache.spark</groupId><artifactId>spark-core_2.13</artifactId><version>4.2.0</version>
</dependency></dependencies></project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$folder/lib"
echo content > target.txt
mkdir links
ln -s ../target.txt links/name.txt
echo other > other.txt
cat > Links.java <<'JAVA'
import java.io.File;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.JavaSparkContext;

class Links {
    public static void main(String[] none) {
        SparkConf conf = new SparkConf().setMaster("local[1]").setAppName("links").set("spark.ui.enabled", "false");
        try (JavaSparkContext spark = new JavaSparkContext(conf)) {
            spark.addFile("links/name.txt");
            spark.addFile("other.txt");
            System.out.println("by the link's name " + new File(SparkFiles.get("name.txt")).exists() + ", by the target's name "
                    + new File(SparkFiles.get("target.txt")).exists() + ", " + new File(SparkFiles.get("other.txt")).getName());
        }
    }
}
JAVA
java=${JAVA25_HOME:+$JAVA25_HOME/bin/}java
seen=$(SPARK_LOCAL_IP=127.0.0.1 "$java" -cp "lib/*" Links.java 2>/dev/null)
echo "$seen"
[ "$seen" = "by the link's name false, by the target's name true, other.txt" ] || { echo "Spark behaves differently now"; exit 1; }
