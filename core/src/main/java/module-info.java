/**
 * CoMe: makes large language models smaller by removing or merging decoder layers, and heals what that damages.
 *
 * <p>Programs use {@code dev.come.api}, and the exceptions and {@code Progress} of {@code dev.come}. All else may change from one
 * release to the next; the command, which lives with this module, sees more of it.
 */
module dev.come.core {
    requires ai.djl.api;
    requires static java.compiler; // the annotation @Generated of templates
    requires java.management;
    requires java.net.http;
    requires java.sql;
    requires jdk.management;
    requires org.bytedeco.javacpp;
    requires org.bytedeco.openblas;
    requires org.bytedeco.pytorch;
    requires gg.jte.runtime;
    requires hipparchus.core;
    requires static transitive org.jspecify;
    requires ai.djl.tokenizers;
    requires duckdb.jdbc;
    requires tools.jackson.databind;
    requires tools.jackson.dataformat.yaml;

    exports dev.come;
    exports dev.come.api;

    exports dev.come.calibration to dev.come.cli;
    exports dev.come.checkpoint to dev.come.cli;
    exports dev.come.demo to dev.come.cli;
    exports dev.come.distill to dev.come.cli;
    exports dev.come.evaluate to dev.come.cli;
    exports dev.come.failure to dev.come.cli;
    exports dev.come.generate to dev.come.cli;
    exports dev.come.gguf to dev.come.cli;
    exports dev.come.heal to dev.come.cli;
    exports dev.come.hub to dev.come.cli;
    exports dev.come.job to dev.come.cli;
    exports dev.come.model to dev.come.cli;
    exports dev.come.overlap to dev.come.cli;
    exports dev.come.prune to dev.come.cli;
    exports dev.come.report to dev.come.cli;
    exports dev.come.stack to dev.come.cli;
    exports dev.come.text to dev.come.cli;
    exports dev.come.vocabulary to dev.come.cli;

    uses dev.come.calibration.Cluster.Provider;

    opens dev.come.distill to tools.jackson.databind;
    opens dev.come.generate to tools.jackson.databind;
    opens dev.come.heal to tools.jackson.databind;
    opens dev.come.overlap to tools.jackson.databind;
    opens dev.come.report.page to gg.jte.runtime;
    opens dev.come.text to tools.jackson.databind;
}
