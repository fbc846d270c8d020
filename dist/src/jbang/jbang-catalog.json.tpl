{
  "aliases": {
    "come": {
      "script-ref": "{{distributionJavaGroupId}}:{{distributionJavaArtifactId}}:{{projectVersion}}",
      "description": "{{projectDescription}}",
      "java": "{{distributionJavaVersion}}+",
      "java-options": [
        "-XX:+UseSerialGC",
        "-Xmx1g",
        "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
        "--enable-native-access=ALL-UNNAMED"
      ]
    }
  }
}
