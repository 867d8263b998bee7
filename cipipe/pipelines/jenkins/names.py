"""Names that Jenkins and its usual plugins know: what is none of them is a shared library's."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a step of a library that cannot be read does, by its name: one that does any of the second is said.
HARMLESS = re.compile(
    r"(?i)notif|slack|telegram|teams|mail|message|checkout|clone|lint|scan|sonar|test|version|report|log"
    r"|build|compile|package|sign|docker|image|publish|push|cleanup|coverage|badge|stash|cache|label|template"
)
DEPLOYS = re.compile(
    r"(?i)deploy|release|roll|promote|ship|kube|k8s|helm|argo|openshift|install|upgrade|apply|provision"
    r"|terraform|pipeline|environment|cluster|namespace|gitops"
)

SHELLS = {"sh": "sh", "bat": "cmd", "powershell": "pwsh", "pwsh": "pwsh"}

# Blocks whose closures run exactly once, in their place.
ONCE = _words(
    """
    aborted always ansiColor catchError changed cleanup configFileProvider container dir expression
    failure fixed gitlabCommitStatus kubeconfig lock matrix milestone node nodejs parallel pipeline
    podTemplate post publishChecks regression script sshagent stage stages steps success throttle
    timeout timestamps unstable unsuccessful warnError withAnt withAWS withCredentials
    withDockerContainer withDockerRegistry withEnv withFolderProperties withGradle withGroovy
    withKubeConfig withKubeCredentials withMaven withSonarQubeEnv withVault wrap ws xvfb
    """
)

# Blocks that say nothing themselves.
PLAIN = _words(
    """
    aborted always ansiColor catchError changed cleanup dir expression failure fixed lock matrix node
    parallel pipeline post regression script stage stages steps success throttle timeout timestamps
    unstable unsuccessful warnError withEnv wrap ws
    """
)

# Sections of a declarative pipeline that describe and run nothing.
DESCRIBING = _words(
    """
    agent axes excludes input libraries options properties tools triggers
    """
)

# Steps that say or fetch something and are no news to a rule.
QUIET = _words(
    """
    axis branch checkout cleanWs credentials deleteDir echo error git isUnix junit name print println
    pwd sleep stash tag unstash values
    """
)

# Kinds of credentials that `withCredentials` binds to variables.
BINDINGS = _words(
    """
    aws azureServicePrincipal certificate dockerCert file kubeconfigContent kubeconfigFile
    sshUserPrivateKey string usernameColonPassword usernamePassword vaultString zip
    """
)

# Parameters of a build.
PARAMETERS = _words(
    """
    activeChoice activeChoiceHtml base64File booleanParam choice extendedChoice gitParameter hidden
    imageTag listGitBranches nonStoredPassword persistentChoice persistentString persistentText
    reactiveChoice run separator stashedFile string text validatingString
    """
)

# Steps and symbols of Jenkins, of its usual plugins, and of Piper.
KNOWN = _words(
    """
    ACSDeploy KubernetesDeploy KubernetesEngineBuilder argocdDeploy argocdSync helmDeploy helmUpgrade kubectl
    kubectlApply acceptGitLabMR acsDeploy addBadge addErrorBadge addGitLabMRComment addInfoBadge addShortText
    addWarningBadge allOf allure amazonWebServicesCredentials ansiblePlaybook ansibleVault any anyOf
    archive archiveArtifacts archiveXml args artifactPrepareVersion artifactPromotion
    authorizationMatrix aws axis azureCLI azureKeyVault azureServicePrincipal beforeAgent beforeInput
    beforeOptions bitbucketStatusNotify booleanParam branch build buildDiscarder buildExecute
    buildingTag buildUser cache call catchError certificate cfInvalidate cfnUpdate changelog
    changeRequest changeset checkmarxExecuteScan checkout checkpoint checksPublishResults checksum
    choice cifsPublisher cleanWs cloudFormation cloudFoundryDeploy cobertura codecov compareVersions
    configFile configMapVolume containerEnvVar containerExecuteStructureTests containerTemplate
    copyArtifactPermission copyArtifacts createSummary createTag credentials cron cucumber deleteDir
    dependencyCheck dependencyCheckPublisher deployToKubernetes deployToOpenShift detectExecuteScan
    disableConcurrentBuilds disableResume docker dockerCert dockerExecute dockerExecuteOnKubernetes
    dockerfile dockerNode durabilityHint ec2 echo ecrLogin emailext emailextrecipients emptyDirVolume
    environment envVar envVarsForTool equals error evaluate extendedChoice file fileExists
    fileOperations findFiles fingerprint fortifyExecuteScan gatlingArchive gerritReview getContext git
    githubNotify githubPublishRelease githubPush gitlabBuilds gitLabConnection gitopsUpdateDeployment
    gitParameter gitUsernamePassword golangBuild googleChatNotification googleStorageUpload halt
    healthExecuteCheck helmBuild helmExecute hipchatSend hostPathVolume httpRequest image
    influxDbPublisher input invokeLambda isRestartedRun isUnix jacoco javadoc jiraComment
    jiraSendBuildInfo jiraSendDeploymentInfo jobDsl junit kanikoExecute kubeconfigContent kubeconfigFile
    kubernetes kubernetesApply kubernetesDeploy kubernetesEngineDeploy label library libraryResource
    lintChecks load logRotator logstashSend mail mailSendNotification mattermostSend mavenBuild
    mavenExecute milestone msbuild MSBuild mtaBuild multicloudDeploy name newContainerPerStage
    nexusArtifactUploader nexusPublisher nexusUpload nodesByLabel none not npmExecuteScripts nuget nunit
    office365ConnectorSend openshiftBuild openshiftCreateResource openshiftDeleteResourceByJsonYaml
    openshiftDeleteResourceByKey openshiftDeleteResourceByLabels openshiftDeploy openshiftExec
    openshiftScale openshiftTag openshiftVerifyBuild openshiftVerifyDeployment openshiftVerifyService
    overrideIndexTriggers parallel parallelsAlwaysFailFast parameters password performance perfReport
    persistentVolumeClaim pipelineExecute pipelineStashFiles pipelineTriggers piperPipeline plot pollSCM
    prependToFile preserveStashes print println properties publishCoverage publishHTML publishIssues
    pullRequest pwd pybat pythonBuild quietPeriod rateLimitBuilds readCSV readFile readJSON readManifest
    readMavenPom readProperties readTrusted readYaml recordCoverage recordIssues registryUrl resolveScm
    retry robot rocketSend rtBuildInfo rtDockerPush rtDownload rtMavenDeployer rtMavenResolver
    rtMavenRun rtPublishBuildInfo rtServer rtUpload run s3Delete s3Download s3Upload secretEnvVar
    secretVolume sendNotifications setBuildStatus setGitHubPullRequestStatus
    setupCommonPipelineEnvironment sha1 sha256 shellExecute skipDefaultCheckout skipStagesAfterUnstable
    slackSend slackSendNotification slackUploadFile sleep snsPublish sonarExecuteScan sonarQubeScanner
    sonarToGitLab splunkins sshCommand sshGet sshPublisher sshPublisherDesc sshPut sshRemove sshScript
    sshTransfer sshUserPrivateKey stash step string tag tap tar tee telegramSend telegramUploader
    terraform terraformExecute testng testsPublishResults text tm toJson tool toString touch trigger
    triggeredBy trim trivy typetalkSend unarchive unstable unstash untar unzip updateGitlabCommitStatus
    uploadProgetPackage upstream usernameColonPassword usernamePassword validateDeclarativePipeline
    value values vaultString veracode verifySha256 vSphere waitForBuild waitForQualityGate waitUntil
    warnings whitesourceExecuteScan withChecks withContext withOpenShift wrappedNode writeCSV writeFile
    writeJSON writeMavenPom writeYaml xcodeBuild xunit zip
    """
)

# Steps that are a command line in other words: the program, and the argument that follows it.
COMMANDS = {
    "ansiblePlaybook": ("ansible-playbook", "playbook"),
    "npmExecuteScripts": ("npm run", "runScripts"),
    "terraformExecute": ("terraform", "command"),
    "sshScript": ("bash", "script"),
    "openshift.raw": ("oc", "0"),
}

# Steps that are not known, by the words of their names: those that only say a text, and those of objects
# that run it.
SAYS = _words(
    """
    abort announce approve ask assert badge banner comment confirm debug describe description doc docs
    echo error expect fail failure heading help hint info input label log logger mail message msg name
    notice notification notify print println prompt question report say section slack stage status
    summary teams telegram text title usage warn warning
    """
)
RUNS = _words("bash call cmd command exec execute invoke run script sh shell ssh")

# Their arguments that are command lines, and their names that are those of tools.
GIVEN = _words("args bash cmd cmds command commands exec run script scripts sh shell")
TOOLS = _words("argocd flux helm helm3 helmfile kapp oc skaffold")
