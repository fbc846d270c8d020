package dev.come.job;

import com.sun.management.OperatingSystemMXBean;
import dev.come.ByteSize;
import dev.come.Version;
import dev.come.checkpoint.IoReason;
import dev.come.failure.FreeSpace;
import dev.come.hub.HubCheck;
import dev.come.hub.HubSettings;
import dev.come.model.Engine;
import dev.come.model.Processor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the machine and the settings are: what somebody who looks into a fault asks first.
 *
 * @param facts in the order in which they are shown
 */
public record Diagnosis(List<Fact> facts) {
    /** Instructions that change what the engine computes with, as Linux calls them. */
    private static final Set<String> INSTRUCTIONS = Set.of("avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16", "sve");

    /** Variables that change what the program does. */
    private static final Pattern VARIABLES = Pattern
            .compile("HF_.*|HUGGING.*|TRANSFORMERS_OFFLINE|.*_proxy|OPENBLAS_.*|"
                    + "OMP_.*|MKL_.*|ATEN_.*|MALLOC_.*|COME_.*|JAVA_TOOL_OPTIONS|JAVA_HOME|JAVA25_HOME|LC_ALL|LANG|TMPDIR|"
                    + "XDG_CACHE_HOME|CUDA_.*", Pattern.CASE_INSENSITIVE);

    private static final Pattern SECRETS = Pattern.compile(".*(TOKEN|PASSWORD|SECRET|KEY).*", Pattern.CASE_INSENSITIVE);

    /**
     * One line.
     *
     * @param name what it is about
     * @param value what was found
     * @param ok whether work can be done with it
     */
    public record Fact(String name, String value, boolean ok) {}

    /**
     * Looks at the machine.
     *
     * @param environment the environment variables
     * @param hub where models are fetched from
     * @param folders the caches, by what they hold
     */
    public static Diagnosis of(Map<String, String> environment, HubSettings hub, Map<String, Path> folders) {
        List<Fact> facts = new ArrayList<>();
        facts.add(fact("come", Version.number()));
        facts.add(fact("Java", Runtime.version() + ", " + System.getProperty("java.vendor") + ", heap up to "
                + ByteSize.format(Runtime.getRuntime().maxMemory())));
        facts.add(fact("system", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                + System.getProperty("os.arch") + ", names of files in " + System.getProperty("sun.jnu.encoding")));
        facts.add(fact("processor", processor()));
        facts.add(fact("memory", memory()));
        facts.add(engine());
        folders.forEach((name, path) -> facts.add(folder(name, path)));
        facts.add(fact("hub", hub.endpoint() + " " + HubCheck.ask(hub) + ", token "
                + (hub.token().isPresent() ? "set" : "not set"))); // models may lie here, so it may be out of reach
        shown(environment).forEach((name, value) -> facts.add(fact(name, value)));
        return new Diagnosis(List.copyOf(facts));
    }

    private static Fact fact(String name, String value) {
        return new Fact(name, value, true);
    }

    private static String processor() {
        Set<String> features = Processor.features();
        String instructions = INSTRUCTIONS.stream().filter(features::contains).sorted()
                .collect(Collectors.joining(" "));
        return Stream
                .of(Runtime.getRuntime().availableProcessors() + " processors", Processor.name().orElse(""),
                        instructions)
                .filter(text -> !text.isBlank()).collect(Collectors.joining(", "));
    }

    private static String memory() {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return ByteSize.format(system.getTotalMemorySize()) + ", of it " + ByteSize.format(system.getFreeMemorySize())
                + " free";
    }

    private static Fact engine() {
        try {
            String instructions = Engine.instructions();
            int devices = Engine.devices();
            return fact("engine", "PyTorch " + Engine.version() + " with " + instructions + ", "
                    + (devices == 0 ? "no CUDA device" : devices + " CUDA devices"));
        } catch (LinkageError e) {
            return new Fact("engine", "cannot be loaded (" + e.getMessage() + ")", false);
        }
    }

    private static Fact folder(String name, Path path) {
        try {
            FreeSpace space = FreeSpace.of(path);
            return new Fact(name, path + ", " + ByteSize.format(space.bytes()) + " free"
                    + (space.writable() ? "" : ", cannot be written to"), space.writable());
        } catch (IOException e) {
            return new Fact(name, path + " cannot be looked at (" + IoReason.of(e) + ")", false);
        }
    }

    /** The variables that matter, without passwords. */
    static Map<String, String> shown(Map<String, String> environment) {
        Map<String, String> shown = new TreeMap<>();
        environment.forEach((name, value) -> {
            if (VARIABLES.matcher(name).matches()) {
                shown.put(name, SECRETS.matcher(name).matches() && !name.endsWith("_PATH")
                        ? "(set)"
                        : value.replaceAll("[^/@\\s]*@", "(not shown)@"));
            }
        });
        return shown;
    }
}
