"""Names that Jenkins and its usual plugins give a meaning: what is none of them comes from a shared library."""

SHELLS = {"sh": "sh", "bat": "cmd", "powershell": "pwsh", "pwsh": "pwsh"}

# Blocks whose closures run exactly once, in their place.
ONCE = frozenset(
    ["pipeline", "stages", "stage", "steps", "script", "node", "container", "dir", "ws", "withEnv", "withCredentials", "timeout", "timestamps", "ansiColor", "lock", "sshagent", "nodejs", "withMaven", "withSonarQubeEnv", "configFileProvider", "wrap", "podTemplate", "always", "success", "failure", "unstable", "changed", "fixed", "regression", "aborted", "cleanup", "unsuccessful", "post", "warnError", "catchError", "parallel", "matrix", "withKubeConfig", "withKubeCredentials", "withAWS", "withDockerRegistry", "withDockerContainer", "kubeconfig", "milestone", "throttle", "expression", "withVault", "withFolderProperties", "withGroovy", "withAnt", "withGradle", "xvfb", "gitlabCommitStatus", "publishChecks"]
)

# Blocks that say nothing themselves.
PLAIN = frozenset(
    """pipeline stages stage steps script node dir ws withEnv timeout timestamps ansiColor lock catchError warnError
    always success failure unstable changed fixed regression aborted cleanup unsuccessful post parallel matrix expression
    throttle wrap""".split()
)

# Sections of a declarative pipeline that describe and run nothing.
DESCRIBING = frozenset(["agent", "options", "triggers", "tools", "input", "libraries", "properties", "axes", "excludes"])

# Steps that say or fetch something and are no news to a rule.
QUIET = frozenset(
    ["echo", "println", "print", "error", "sleep", "checkout", "git", "stash", "unstash", "junit", "deleteDir", "cleanWs", "isUnix", "pwd"]
)

KNOWN = frozenset(
    ["acceptGitLabMR", "addBadge", "addGitLabMRComment", "addShortText", "ansiblePlaybook", "ansibleVault", "archive", "archiveArtifacts", "artifactPromotion", "azureCLI", "azureKeyVault", "booleanParam", "bitbucketStatusNotify", "booleanParam", "build", "buildDiscarder", "buildUser", "cache", "catchError", "checkpoint", "checksum", "choice", "cifsPublisher", "cloudFormation", "cobertura", "codecov", "compareVersions", "configFile", "copyArtifacts", "createTag", "credentials", "cron", "dependencyCheck", "dependencyCheckPublisher", "disableConcurrentBuilds", "dockerNode", "dockerfile", "ecrLogin", "emailext", "emailextrecipients", "envVarsForTool", "evaluate", "extendedChoice", "fileExists", "file", "fileOperations", "findFiles", "fingerprint", "getContext", "gerritReview", "gitParameter", "githubNotify", "githubPush", "googleChatNotification", "googleStorageUpload", "halt", "hipchatSend", "hostPathVolume", "httpRequest", "input", "invokeLambda", "jacoco", "javadoc", "jiraComment", "jobDsl", "kubeconfigContent", "kubeconfigFile", "library", "libraryResource", "lintChecks", "load", "logRotator", "logstashSend", "mail", "mattermostSend", "milestone", "nexusArtifactUploader", "nexusPublisher", "nodesByLabel", "nunit", "office365ConnectorSend", "overrideIndexTriggers", "parameters", "parallel", "password", "perfReport", "persistentVolumeClaim", "pipelineTriggers", "pollSCM", "prependToFile", "preserveStashes", "properties", "publishCoverage", "publishHTML", "publishIssues", "pullRequest", "pybat", "readCSV", "readFile", "readJSON", "readManifest", "readMavenPom", "readProperties", "readTrusted", "readYaml", "recordCoverage", "recordIssues", "resolveScm", "retry", "robot", "rocketSend", "rtBuildInfo", "rtDockerPush", "rtDownload", "rtMavenDeployer", "rtMavenResolver", "rtMavenRun", "rtPublishBuildInfo", "rtServer", "rtUpload", "run", "s3Delete", "s3Download", "s3Upload", "secretVolume", "configMapVolume", "emptyDirVolume", "envVar", "secretEnvVar", "containerEnvVar", "containerTemplate", "sendNotifications", "setBuildStatus", "setGitHubPullRequestStatus", "sha1", "sha256", "skipDefaultCheckout", "skipStagesAfterUnstable", "slackSend", "slackUploadFile", "snsPublish", "sonarToGitLab", "sonarQubeScanner", "sshCommand", "sshGet", "sshPublisher", "sshPublisherDesc", "sshPut", "sshRemove", "sshScript", "sshTransfer", "sshUserPrivateKey", "step", "string", "tar", "tee", "telegramSend", "telegramUploader", "terraform", "testng", "text", "tm", "toJson", "tool", "touch", "tap", "trivy", "trigger", "typetalkSend", "unarchive", "unstable", "untar", "unzip", "upstream", "updateGitlabCommitStatus", "usernameColonPassword", "usernamePassword", "validateDeclarativePipeline", "veracode", "verifySha256", "vSphere", "waitForBuild", "waitForQualityGate", "waitUntil", "warnings", "withChecks", "withContext", "wrappedNode", "writeCSV", "writeFile", "writeJSON", "writeMavenPom", "writeYaml", "xunit", "zip", "certificate", "dockerCert", "sshUserPrivateKey", "vaultString", "azureServicePrincipal", "aws", "amazonWebServicesCredentials", "gitlabBuilds", "gitUsernamePassword", "rateLimitBuilds", "quietPeriod", "durabilityHint", "newContainerPerStage", "parallelsAlwaysFailFast", "disableResume", "copyArtifactPermission", "authorizationMatrix", "gitLabConnection", "buildingTag", "changeRequest", "changelog", "changeset", "branch", "tag", "not", "allOf", "anyOf", "equals", "environment", "triggeredBy", "beforeAgent", "beforeInput", "beforeOptions", "isRestartedRun", "axis", "values", "name", "value", "label", "image", "args", "registryUrl", "any", "none", "kubernetes", "docker", "call", "addInfoBadge", "addWarningBadge", "addErrorBadge", "createSummary", "cfInvalidate", "cfnUpdate", "ec2", "uploadProgetPackage", "nuget", "MSBuild", "msbuild", "xcodeBuild", "jiraSendBuildInfo", "jiraSendDeploymentInfo", "influxDbPublisher", "splunkins", "plot", "archiveXml", "allure", "cucumber", "gatlingArchive", "performance", "setupCommonPipelineEnvironment", "piperPipeline", "mavenBuild", "mavenExecute", "npmExecuteScripts", "kanikoExecute", "dockerExecute", "dockerExecuteOnKubernetes", "artifactPrepareVersion", "sonarExecuteScan", "detectExecuteScan", "whitesourceExecuteScan", "fortifyExecuteScan", "checkmarxExecuteScan", "mtaBuild", "golangBuild", "pythonBuild", "cloudFoundryDeploy", "githubPublishRelease", "gitopsUpdateDeployment", "nexusUpload", "healthExecuteCheck", "testsPublishResults", "checksPublishResults", "slackSendNotification", "mailSendNotification", "pipelineExecute", "pipelineStashFiles", "buildExecute", "containerExecuteStructureTests", "helmExecute"]
)

# Steps that are a command line in other words: their arguments in its place.
COMMANDS = {
    "ansiblePlaybook": ("ansible-playbook", "playbook"),
    "npmExecuteScripts": ("npm run", "runScripts"),
    "terraformExecute": ("terraform", "command"),
    "sshScript": ("bash", "script"),
    "openshift.raw": ("oc", "0"),
}

BINDINGS = frozenset(
    ["file", "string", "usernamePassword", "usernameColonPassword", "sshUserPrivateKey", "certificate", "dockerCert", "zip", "kubeconfigFile", "kubeconfigContent", "vaultString", "azureServicePrincipal", "aws"]
)
