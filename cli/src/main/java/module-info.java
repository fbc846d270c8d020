/** The {@code come} command. */
module dev.come.cli {
    requires dev.come.core;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires static org.jspecify;
    requires tools.jackson.databind;
    requires tools.jackson.dataformat.yaml;

    opens dev.come.cli to info.picocli;
}
