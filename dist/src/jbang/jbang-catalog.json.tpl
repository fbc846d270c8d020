{
  "aliases": {
    "come": {
      "script-ref": "{{distributionJavaGroupId}}:{{distributionJavaArtifactId}}:{{projectVersion}}",
      "description": "{{projectDescription}}",
      "java": "{{distributionJavaVersion}}+",
      "java-options": [
        "-XX:+UseSerialGC",
        "-Xmx1g",
        "--enable-native-access=ALL-UNNAMED"
      ]
    }
  }
}
